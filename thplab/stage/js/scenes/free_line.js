// Free frames over the phases of a collapse: flat while pages are locked and copied, rising when the old ones go.

import { ENDS } from "./collapses.js";
import { path, rect, widthOf, words } from "./marks.js";

/** @import { CollapseState, Mark } from "../types.js" */

/** @param {CollapseState} state @param {number} now */
function pointsOf(state, now) {
  const points = [{ phase: 0, free: Number(state.begin.free) }];
  for (const { kind, values } of state.told) {
    const phase = ENDS.indexOf(kind) + 1;
    if (phase && values.free !== undefined) points.push({ phase, free: Number(values.free) });
  }
  return [...points, { phase: points[points.length - 1].phase, free: now }];
}

const TITLE = "free frames";
const REMARK = "none is freed yet";

/** @param {CollapseState} state @param {number} room */
function remark({ done, failed }, room) {
  const fits = widthOf(REMARK) < room;
  return fits && !failed && (done === 3 || done === 4) ? REMARK : "";
}

/** @param {CollapseState} state @param {number} now @param {number} x @param {number} y @param {number} w @param {number} h @returns {Mark[]} */
export function freeLine(state, now, x, y, w, h) {
  const points = pointsOf(state, now);
  const all = points.map(({ free }) => free);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  /** @param {number} free */
  const high = (free) => y + h - 8 - ((free - least) / Math.max(1, most - least)) * (h - 16);
  const step = w / ENDS.length;
  const current = Math.min(ENDS.length, state.done + 1);
  const d = points
    .map(({ phase, free }, i) =>
      i
        ? `H${x + Math.max(phase - 0.5, points[i - 1].phase) * step}V${high(free)}H${x + phase * step}`
        : `M${x} ${high(free)}`,
    )
    .join("");
  const wide = widthOf(TITLE, 14, 600);
  const marks = [
    words("free-title", x, y - 8, TITLE, "sc-strongtext"),
    words(
      "free-note",
      x + wide + 10,
      y - 8,
      remark(state, w - wide - widthOf(String(now), 18, 600) - 24),
      "sc-quiettext",
    ),
    words("free-now", x + w, y - 8, String(now), "sc-end sc-big"),
  ];
  for (let phase = 1; phase <= ENDS.length; phase++) {
    const here = phase === current && state.done < ENDS.length;
    marks.push(
      rect(`free-${phase}`, x + (phase - 1) * step + 1, y, step - 2, h, here ? "sc-band sc-now" : "sc-band"),
      words(
        `free-n${phase}`,
        x + (phase - 0.5) * step,
        y + h + 16,
        String(phase),
        `sc-middle ${here ? "sc-strongtext" : "sc-quiettext"}`,
      ),
    );
  }
  const last = points[points.length - 1];
  marks.push(path("free-line", d, "sc-graph"));
  marks.push(rect("free-dot", x + last.phase * step - 4, high(now) - 4, 8, 8, "sc-graphdot", 4));
  return marks;
}
