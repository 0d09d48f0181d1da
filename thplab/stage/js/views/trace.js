// The trace lines printed so far, the newest marked. Choosing one goes to the moment that printed it.

import { button, el, setHidden, setText, updateList } from "../draw/dom.js";

/** @import { ViewModule } from "../types.js" */

const SHOWN = 100;

/** @type {ViewModule} */
export const traceView = {
  summary: (moment) => String(moment.traceLines),
  make(stage) {
    const { header, frames, machine } = stage.reader;
    const more = el("p", "ts-quiet");
    const list = el("ol", "ts-trace-lines");
    const box = el("div", "ts-scroll", more, list);
    const root = el("div", "ts-trace", box);
    let first = 0;
    let count = -1;
    let grown = false;
    // To the moment; the frame that the line names is lit.
    /** @param {number} number */
    const go = (number) => {
      stage.move(frames.momentOfTrace(number));
      const page = Number(header.trace[number].fields.scan_pfn ?? NaN) - machine.startPfn;
      if (page >= 0 && page < machine.frames) stage.selection.lightFrame(page);
    };
    /** @param {number} i */
    const make = (i) => {
      const line = button("", "", () => stage.act(() => go(first + i)));
      line.removeAttribute("aria-label");
      line.title = "Go to the moment that printed this line";
      return el("li", "", line);
    };
    return {
      root,
      update(moment) {
        if (count === moment.traceLines) return;
        grown = true;
        count = moment.traceLines;
        first = Math.max(0, count - SHOWN);
        setText(more, count ? (first ? `${first} earlier lines` : "") : "No trace event yet.");
        setHidden(more, !more.textContent);
        updateList(list, header.trace.slice(first, count), make, (item, line) =>
          setText(item.firstChild, line.text.trim()),
        );
        for (const item of list.children) item.toggleAttribute("data-new", item === list.lastChild);
      },
      settle() {
        if (grown) box.scrollTop = box.scrollHeight;
        grown = false;
      },
    };
  },
  lines(moment) {
    const found = moment.reader.header.trace.slice(0, moment.traceLines).map((line) => line.text.trim());
    return found.length ? found : ["No trace event yet."];
  },
};
