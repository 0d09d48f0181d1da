// The call stack in gdb's shape, with the frame names of the recording's kernel. Choosing a frame shows its
// source.

import { once } from "../data/moment.js";
import { button, el, setAttribute, setHidden, setText, updateList } from "../draw/dom.js";

/** @import { Frame, ViewModule } from "../types.js" */

/** @typedef {{ number: number, name: string, args: string, frame: Frame, up: number }} Row */

// One row for each kernel frame; `up` is the model's frame behind it. A helper of the model has no frame in
// the kernel: only the innermost is named, because the source shows it.
const rows = once((moment) => {
  const found = /** @type {Row[]} */ ([]);
  let number = 0;
  moment.stack.forEach((frame, up) => {
    for (const [name, args] of frame.labels) found.push({ number: number++, name, args, frame, up });
    if (!frame.labels.length && !up) found.push({ number: -1, name: frame.name, args: "", frame, up });
  });
  return found;
});

/** @param {Row} row */
function text(row) {
  const at = `at ${row.frame.file}:${row.frame.line}`;
  if (row.number < 0) return `    in ${row.name} ${at} (a helper of the model, no frame of its own)`;
  return `#${String(row.number).padEnd(2)} ${row.name} (${row.args}) ${at}`;
}

/** @type {ViewModule} */
export const stackView = {
  summary: (moment) => String(rows(moment).filter((row) => row.number >= 0).length || ""),
  make(stage) {
    const list = el("ol", "ts-frames");
    const none = el("p", "ts-quiet", "No kernel function is running.");
    const root = el("div", "ts-stack", el("div", "ts-title", "Call stack"), none, list);
    let shown = /** @type {Row[]} */ ([]);
    /** @param {number} i */
    const make = (i) => {
      const frame = button("", "", () => stage.act(() => stage.selection.selectFrame(shown[i].up)));
      frame.removeAttribute("aria-label");
      frame.append(el("span", "ts-n"), el("strong"), el("span", "ts-args"), el("span", "ts-at"));
      return el("li", "", frame);
    };
    return {
      root,
      update(moment) {
        shown = rows(moment);
        setHidden(none, shown.length > 0);
        updateList(list, shown, make, (item, row) => {
          const [frame] = item.children;
          const parts =
            row.number < 0
              ? ["", row.name, " helper of the model"]
              : [`#${row.number}`, row.name, ` (${row.args})`];
          for (const [i, part] of parts.entries()) setText(frame.children[i], part);
          setText(frame.lastChild, ` at ${row.frame.file.replace("thplab/mm/", "")}:${row.frame.line}`);
          setAttribute(frame, "title", text(row));
          const { source, line } = row.frame;
          frame.toggleAttribute("data-lit", stage.selection.isPointed("line", [source, line]));
          setAttribute(frame, "aria-current", String(row.up === stage.selection.frameUp));
        });
      },
    };
  },
  lines(moment) {
    const found = rows(moment).map(text);
    return found.length ? found : ["No kernel function is running."];
  },
};
