// Bookmarks: a mark over the run at each, and the text that opens a moment again.

import { button, el, labelled, leave, named, setAttribute, setHidden } from "../draw/dom.js";
/** @import { Part, Stage } from "../types.js" */
/** @param {Stage} stage @returns {Part} */
export function makeMarks(stage) {
  const root = named(el("div", "ts-marks"), "group", "Bookmarks");
  let drawn = "";
  return {
    root,
    update() {
      const wanted = stage.bookmarks.steps.join();
      if (wanted === drawn) return;
      drawn = wanted;
      const marks = stage.bookmarks.steps.map((step) => {
        const go = () => stage.act(() => stage.move(step));
        const mark = button("ts-mark", `Bookmark at moment ${step} (j, J)`, go, "▾");
        mark.style.left = `${(100 * step) / Math.max(stage.last, 1)}%`;
        return mark;
      });
      root.replaceChildren(...marks);
      setHidden(root, !marks.length);
    },
  };
}

// The text of the moment that is shown; selected, so that it can be copied where the page may not copy itself.
/** @param {Stage} stage @returns {Part} */
export function makeLink(stage) {
  const field = labelled(el("input", "ts-field"), "Text that opens this moment again");
  field.readOnly = true;
  const close = button("ts-button", "Close (Esc)", () => stage.act("follow"), "Close");
  const root = el("div", "ts-link-row", el("span", "ts-quiet", "This moment as text:"), field, close);
  let shown = "";
  return {
    root,
    update() {
      if (!stage.bookmarks.text) leave(root);
      setHidden(root, !stage.bookmarks.text);
      const text = stage.bookmarks.text;
      if (text && text !== shown) {
        setAttribute(field, "value", text);
        field.value = text;
        field.focus();
        field.select();
        navigator.clipboard?.writeText(text).catch(() => {}); // not allowed here: it is selected
      }
      shown = text;
    },
  };
}
