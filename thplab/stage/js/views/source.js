// The model's own source with the line that runs next, and the kernel's name and file for it.

import { el, scroller, setAttribute, setText } from "../draw/dom.js";
import { Listing } from "../draw/listing.js";
import { sourceLines } from "../draw/syntax.js";

/** @import { Frame, Moment, Piece, ViewModule } from "../types.js" */

// The frame whose source is shown: the one the reader went up to, or the innermost that has any.
/** @param {Moment} moment @param {number} up @returns {Frame | null} */
function shownFrame(moment, up) {
  const chosen = moment.stack[up];
  return chosen && chosen.source >= 0
    ? chosen
    : (moment.stack.slice(up).find((frame) => frame.source >= 0) ?? null);
}

/** @param {Moment} moment @param {Frame | null} frame */
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

/** @type {ViewModule} */
export const sourceView = {
  make(stage) {
    const name = el("strong");
    const where = el("span");
    const code = scroller("div", "ts-code", "Source of the model");
    const root = el("div", "ts-source", el("div", "ts-title", name, where), code);
    const listing = new Listing(code);
    code.addEventListener("click", ({ target }) => {
      const line = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest(".ts-line"));
      if (!line || !near) return;
      const { source } = near;
      stage.act(() => stage.selection.point("line", [source, Number(line.dataset.n)]));
    });
    let lit = /** @type {HTMLElement | null} */ (null);
    const files = /** @type {Map<number, Piece[][]>} */ (new Map()); // number of a source -> its lines, coloured when it is first shown
    /** @param {number} number */
    const linesOf = (number) => {
      const lines = files.get(number) ?? sourceLines(stage.reader.header.sources[number].text);
      files.set(number, lines);
      return lines;
    };
    let near = /** @type {{ source: number, line: number } | null} */ (null);
    let marked = /** @type {HTMLElement | null} */ (null);
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
        if (line && now) setAttribute(line, "data-now", now);
        marked = now ? line : null;
        const at = stage.selection.pointed;
        const [source, number] = at?.kind === "line" ? at.id : [-1, 0];
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
