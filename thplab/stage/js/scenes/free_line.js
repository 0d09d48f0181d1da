// Free frames over the phases of a collapse: flat while pages are locked and copied, rising when the old ones go.

import { ENDS } from "./collapses.js";
import { path, rect, words } from "./marks.js";
import { sizeWords } from "./names.js";

/** @import { CollapseState, Mark } from "../types.js" */

const SCALE = 44; // the room for its numbers

const FREE = ENDS.indexOf("freed");

// Where the moment is, in phases: within one as far as its entries are done, else in the middle of it.
/** @param {CollapseState} state @param {number} freed */
function placeOf({ phase, ends, now, copied, old }, freed) {
  if (ends || phase === ENDS.length) return Math.min(phase + 1, ENDS.length);
  const pages = old.filter((page) => page >= 0).length;
  if (phase === FREE && pages) return phase + freed / pages;
  if (phase === ENDS.indexOf("copied")) return phase + copied / old.length;
  return phase + (now < 0 ? 0.5 : (now + 1) / old.length);
}

// What was told at the end of each phase.
/** @param {CollapseState} state */
function pointsOf(state) {
  const points = [{ phase: 0, free: Number(state.begin.free) }];
  for (const { kind, values } of state.told) {
    const phase = ENDS.indexOf(kind) + 1;
    if (phase && values.free !== undefined) points.push({ phase, free: Number(values.free) });
  }
  return points;
}

// `freed`: so many of the old frames are; `page`: bytes of a frame.
/** @param {CollapseState} state @param {number} now @param {number} freed @param {bigint} page @param {number} x @param {number} y @param {number} w @param {number} h @returns {Mark[]} */
export function freeLine(state, now, freed, page, x, y, w, h) {
  const points = pointsOf(state);
  const all = [...points.map(({ free }) => free), now];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  /** @param {number} free */
  const high = (free) => y + h - 8 - ((free - least) / Math.max(1, most - least)) * (h - 16);
  const left = x + SCALE;
  const step = (w - SCALE) / ENDS.length;
  const here = placeOf(state, freed);
  // Memory is taken at once; the old frames go one by one.
  const d = [...points.slice(1), { phase: here, free: now }].map(({ phase, free }) => {
    const [x1, y1] = [left + phase * step, high(free)];
    const begun = Math.ceil(phase) - 1;
    if (begun === FREE) return `H${left + FREE * step}L${x1} ${y1}`;
    return `H${left + Math.min(phase, begun + 0.5) * step}V${y1}H${x1}`;
  });
  const marks = [
    words("free-title", x, y - 8, `free frames of ${sizeWords(page)}`, "sc-strongtext"),
    words("free-now", x + w, y - 8, `now ${now}`, "sc-end sc-big"),
    words("free-phase", left - 6, y + h + 16, "phase", "sc-end sc-small sc-quiettext"),
    ...[...new Set([least, most])].map((free) =>
      words(`free-at${free}`, left - 6, high(free) + 4, String(free), "sc-end sc-small sc-quiettext"),
    ),
  ];
  ENDS.forEach((_, i) => {
    const isNow = i === state.phase;
    marks.push(
      rect(`free-${i + 1}`, left + i * step + 1, y, step - 2, h, isNow ? "sc-band sc-now" : "sc-band"),
      words(
        `free-n${i + 1}`,
        left + (i + 0.5) * step,
        y + h + 16,
        String(i + 1),
        `sc-middle ${isNow ? "sc-strongtext" : "sc-quiettext"}`,
      ),
    );
  });
  marks.push(path("free-line", `M${left} ${high(points[0].free)}${d.join("")}`, "sc-graph"));
  marks.push(rect("free-dot", left + here * step - 4, high(now) - 4, 8, 8, "sc-graphdot", 4));
  return marks;
}
