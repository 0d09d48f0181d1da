// A box for Python: Tab indents, Shift+Tab takes it back, Enter keeps the indentation. Esc, then Tab leaves the box,
// because whoever has no mouse must get out.

const BOX = ".thplab-code textarea";
const INSTALLED = Symbol.for("thplab.code");
const STEP = "    ";

/** @typedef {HTMLTextAreaElement} Box */

// Put text in the place of a part, as if it was typed: Ctrl+Z takes it back, and the page hears of it.
/** @param {Box} box @param {number} start @param {number} end @param {string} text */
function replace(box, start, end, text) {
  box.setSelectionRange(start, end);
  if (start === end && !text) return;
  if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
  box.setRangeText(text, start, end, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

// Where the first of the selected lines begins, and the last ends. One whose beginning only is selected is left out.
/** @param {Box} box @returns {[number, number]} */
function linesOf({ value, selectionStart, selectionEnd }) {
  const several = value.slice(selectionStart, selectionEnd).includes("\n");
  const last = several && value[selectionEnd - 1] === "\n" ? selectionEnd - 1 : selectionEnd;
  const end = value.indexOf("\n", last);
  return [value.lastIndexOf("\n", selectionStart - 1) + 1, end < 0 ? value.length : end];
}

// Change each of the selected lines, and select them.
/** @param {Box} box @param {(line: string) => string} change */
function changeLines(box, change) {
  const { value, selectionStart, selectionEnd } = box;
  const [start, end] = linesOf(box);
  const [lines, first] = [value.slice(start, end), value.slice(start, end).split("\n")[0]];
  const text = lines.split("\n").map(change).join("\n");
  if (text !== lines) replace(box, start, end, text);
  const from = Math.max(start, selectionStart + change(first).length - first.length);
  box.setSelectionRange(from, Math.max(from, selectionEnd + text.length - lines.length));
}

/** @param {string} line */
const deeper = (line) => (line.trim() ? STEP + line : line);
/** @param {string} line */
const shallower = (line) => line.replace(/^( {1,4}|\t)/, "");

/** @param {Box} box @param {boolean} back */
function indent(box, back) {
  const { value, selectionStart, selectionEnd } = box;
  if (back) changeLines(box, shallower);
  else if (value.slice(selectionStart, selectionEnd).includes("\n")) changeLines(box, deeper);
  else replace(box, selectionStart, selectionEnd, STEP);
}

/** @param {Box} box */
function breakLine(box) {
  const { value, selectionStart, selectionEnd } = box;
  const line = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
  const opens = /:\s*(#.*)?$/.test(line) ? STEP : "";
  replace(box, selectionStart, selectionEnd, `\n${/^\s*/.exec(line)?.[0]}${opens}`);
}

export function helpWithCode() {
  const page = /** @type {any} */ (window);
  if (page[INSTALLED]) return;
  page[INSTALLED] = true;
  let leaving = /** @type {EventTarget | null} */ (null); // Esc was pressed in it, and nothing since
  // Before all others, since a Textarea of ipywidgets passes no key on.
  window.addEventListener(
    "keydown",
    (event) => {
      const { target: box, key, shiftKey } = event;
      const left = leaving === box;
      if (key !== "Shift") leaving = key === "Escape" ? box : null;
      if (!(box instanceof HTMLTextAreaElement && box.matches(BOX)) || box.readOnly) return;
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (key === "Tab" && !left) indent(box, shiftKey);
      else if (key === "Enter") breakLine(box);
      else return;
      event.preventDefault();
    },
    true,
  );
}
