// Free frames over the phases of a collapse: flat while pages are locked and copied, rising when the old ones go.

import { ENDS } from "./collapses.js";
import { path, rect, words } from "./marks.js";
import { sizeWords } from "./names.js";

/** @import { CollapseState, Mark } from "../types.js" */

const SCALE = 44; // the room for its numbers

/** @param {CollapseState} state @param {number} now */
function pointsOf(state, now) {
  const points = [{ phase: 0, free: Number(state.begin.free) }];
  for (const { kind, values } of state.told) {
    const phase = ENDS.indexOf(kind) + 1;
    if (phase && values.free !== undefined) points.push({ phase, free: Number(values.free) });
  }
  return [...points, { phase: points[points.length - 1].phase, free: now }];
}

// `page`: bytes of a frame.
/** @param {CollapseState} state @param {number} now @param {bigint} page @param {number} x @param {number} y @param {number} w @param {number} h @returns {Mark[]} */
export function freeLine(state, now, page, x, y, w, h) {
  const points = pointsOf(state, now);
  const all = points.map(({ free }) => free);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  /** @param {number} free */
  const high = (free) => y + h - 8 - ((free - least) / Math.max(1, most - least)) * (h - 16);
  const left = x + SCALE;
  const step = (w - SCALE) / ENDS.length;
  const d = points
    .map(({ phase, free }, i) =>
      i
        ? `H${left + Math.max(phase - 0.5, points[i - 1].phase) * step}V${high(free)}H${left + phase * step}`
        : `M${left} ${high(free)}`,
    )
    .join("");
  const marks = [
    words("free-title", x, y - 8, `free frames of ${sizeWords(page)}`, "sc-strongtext"),
    words("free-now", x + w, y - 8, `now ${now}`, "sc-end sc-big"),
    words("free-phase", left - 6, y + h + 16, "phase", "sc-end sc-small sc-quiettext"),
    ...[...new Set([least, most])].map((free) =>
      words(`free-at${free}`, left - 6, high(free) + 4, String(free), "sc-end sc-small sc-quiettext"),
    ),
  ];
  ENDS.forEach((_, i) => {
    const here = i === state.phase;
    marks.push(
      rect(`free-${i + 1}`, left + i * step + 1, y, step - 2, h, here ? "sc-band sc-now" : "sc-band"),
      words(
        `free-n${i + 1}`,
        left + (i + 0.5) * step,
        y + h + 16,
        String(i + 1),
        `sc-middle ${here ? "sc-strongtext" : "sc-quiettext"}`,
      ),
    );
  });
  const last = points[points.length - 1];
  marks.push(path("free-line", d, "sc-graph"));
  marks.push(rect("free-dot", left + last.phase * step - 4, high(now) - 4, 8, 8, "sc-graphdot", 4));
  return marks;
}
