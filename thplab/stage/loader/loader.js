// What each of our widgets carries. The program itself comes once for each kernel, in a model of its own
// (thplab/stage/program.py): a saved notebook has it once, and a page imports it once.

const REFERENCE = "IPY_MODEL_";
const SHEET = "thplab-program";
/** @type {Map<string, Promise<any>>} */
const loaded = /** @type {any} */ (globalThis).thplabPrograms ?? new Map();
/** @type {any} */ (globalThis).thplabPrograms = loaded;

// One style sheet for the page; that of another program, of a kernel begun since, takes its place.
/** @param {string} text */
function dress(text) {
  const sheet = document.getElementById(SHEET) ?? document.createElement("style");
  sheet.id = SHEET;
  sheet.textContent = text;
  document.head.append(sheet);
}

/** @param {string} code @param {string} style */
async function begin(code, style) {
  dress(style);
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return (await import(address)).default;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** @param {any} shared */
function load(shared) {
  const name = shared.get("name");
  if (!loaded.has(name)) loaded.set(name, begin(shared.get("code"), shared.get("style")));
  return loaded.get(name);
}

export default {
  // The program's own model keeps the notebook's widgets in its file.
  /** @param {{ model: any }} param0 */
  async initialize({ model }) {
    if (model.get("code")) (await load(model)).keep(model.widget_manager);
  },
  /** @param {{ model: any, el: HTMLElement }} param0 */
  async render({ model, el }) {
    const shared = await model.widget_manager.get_model(model.get("program").slice(REFERENCE.length));
    const program = await load(shared);
    return program[model.get("part")]({ model, el, kernel: program.kernelOf(shared) });
  },
};
