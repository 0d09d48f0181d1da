// When a notebook is saved, the widgets that its outputs show go into its file, ours and what ipywidgets brings. JupyterLab
// and Notebook 7 can do that themselves, but do not unless a setting says so; and then they leave out what has no
// kernel, so that a notebook that was only opened and saved lost its stages.

const STATE = "application/vnd.jupyter.widget-state+json";
const VIEW = "application/vnd.jupyter.widget-view+json";
const REFERENCE = /"IPY_MODEL_([\w-]+)"/g;
const OURS = /^(@jupyter-widgets\/|anywidget$)/;

/** @type {WeakSet<object>} */
const kept = new WeakSet();

// The manager writes only what is live; for it, all of these are.
/** @param {any} manager @param {Map<string, any>} models @returns {Record<string, any>} */
function stateOf(manager, models) {
  const live = [...models].map(([id, model]) => [id, Object.create(model, { comm_live: { value: true } })]);
  return manager.get_state_sync.call(
    { _modelsSync: new Map(/** @type {any} */ (live)) },
    { drop_defaults: true },
  );
}

// A model and all that it refers to; empty if one is gone, or of a library that the file need not have.
/** @param {string} root @param {Record<string, any>} states */
function reach(root, states) {
  const found = new Set([root]);
  for (const id of found) {
    const state = states[id];
    if (!state || !OURS.test(state.model_module)) return [];
    for (const [, next] of JSON.stringify(state.state).matchAll(REFERENCE)) found.add(next);
  }
  return [...found];
}

/** @param {any} cell @returns {any[]} */
const outputsOf = (cell) => cell.sharedModel.getOutputs?.() ?? [];

// What stands where widgets are off says what the widget says now. "silent-change": the picture stays as it is.
/** @param {any} cell @param {Record<string, any>} states */
function writeTexts(cell, states) {
  for (const [i, output] of outputsOf(cell).entries()) {
    const written = states[output.data?.[VIEW]?.model_id]?.state.written;
    if (!written || output.data["text/plain"] === written) continue;
    const data = { ...output.data, "text/plain": written };
    cell.sharedModel.updateOutputs(i, i + 1, [{ ...output, data }], "silent-change");
  }
}

/** @param {any} manager */
function save(manager) {
  const notebook = manager.context.model;
  const before = notebook.getMetadata("widgets")?.[STATE];
  const now = stateOf(manager, manager._modelsSync);
  const known = { ...before?.state, ...now.state };
  const cells = [...notebook.cells];
  const roots = cells.flatMap(outputsOf).map((output) => output.data?.[VIEW]?.model_id);
  const ids = new Set(roots.filter(Boolean).flatMap((/** @type {string} */ root) => reach(root, known)));
  const state = Object.fromEntries([...ids].map((id) => [id, known[id]]));
  notebook.setMetadata("widgets", { ...before, [STATE]: { ...now, state } });
  for (const cell of cells) writeTexts(cell, known);
}

/** @param {any} manager */
export function keep(manager) {
  const context = manager.context;
  if (!context?.saveState || !manager.get_state_sync || kept.has(context)) return;
  kept.add(context);
  context.saveState.connect((/** @type {unknown} */ _, /** @type {string} */ what) => {
    if (what === "started") save(manager);
  });
}
