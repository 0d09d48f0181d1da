// The model's own source with the line that runs next, and the kernel's name and file for it.

import { el, scroller, setAttribute, setText } from "../draw/dom.js";
import { Listing } from "../draw/listing.js";
import { sourceLines } from "../draw/syntax.js";

// The frame whose source is shown: the one the reader went up to, or the innermost that has any.
function shownFrame(moment, up) {
  const chosen = moment.stack[up];
  return chosen && chosen.source >= 0
    ? chosen
    : (moment.stack.slice(up).find((frame) => frame.source >= 0) ?? null);
}

function heading(moment, frame) {
  if (moment.nothingRuns)
    return {
      name: moment.reader.lines.length ? "Nothing is running" : "This recording has no source lines",
      where: "",
    };
  if (!frame) {
    const [inner] = moment.stack;
    return {
      name: moment.reader.frames.nameOf(inner.number),
      where: `its lines are not in this recording · ${inner.kernelFile || "ours"} · ${inner.file}`,
    };
  }
  const name = moment.reader.frames.nameOf(frame.number);
  const ours = frame.labels.length ? frame.kernelFile : "a helper of the model";
  return { name, where: `${ours} · ${frame.file}:${frame.line}` };
}

export const sourceView = {
  make(stage) {
    const name = el("strong");
    const where = el("span");
    const code = scroller("div", "ts-code", "Source of the model");
    const root = el("div", "ts-source", el("div", "ts-title", name, where), code);
    const listing = new Listing(code);
    code.addEventListener("click", ({ target }) => {
      const line = target.closest(".ts-line");
      if (line && near) stage.act(() => stage.selection.point("line", [near.source, Number(line.dataset.n)]));
    });
    let lit = null;
    const files = new Map(); // number of a source -> its lines, coloured when it is first shown
    const linesOf = (number) => {
      if (!files.has(number)) files.set(number, sourceLines(stage.reader.header.sources[number].text));
      return files.get(number);
    };
    let near = null;
    let marked = null;
    return {
      root,
      update(moment) {
        const frame = shownFrame(moment, stage.selection.frameUp);
        const head = heading(moment, frame);
        setText(name, head.name);
        setText(where, head.where);
        setAttribute(code, "data-elsewhere", String(!frame)); // the code is of another place or time
        near = frame ?? stage.reader.frames.nearestSource(moment.step);
        const line = near && listing.show(linesOf(near.source), near.line - 1);
        const now = frame && line ? (frame === moment.stack[0] ? "here" : "caller") : "";
        if (marked && (marked !== line || !now)) marked.removeAttribute("data-now");
        if (now) setAttribute(line, "data-now", now);
        marked = now ? line : null;
        const [source, number] =
          stage.selection.pointed?.kind === "line" ? stage.selection.pointed.id : [-1, 0];
        const pointed = near && source === near.source ? listing.element(number - 1) : null;
        if (lit !== pointed) lit?.removeAttribute("data-lit");
        pointed?.setAttribute("data-lit", "");
        lit = pointed;
      },
      settle: () => near && listing.reveal(near.line - 1),
    };
  },
  lines(moment) {
    const frame = shownFrame(moment, 0);
    const head = heading(moment, frame);
    const lines = [head.where ? `${head.name}, ${head.where}` : head.name];
    if (frame) lines.push(`> ${moment.lineOf(frame)}`);
    return lines;
  },
};
