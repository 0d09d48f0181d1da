// What the squares of a collapse mean: only what the picture has.

import { rect, rings, widthOf, words } from "./marks.js";

/** @import { CollapseState, Machine, Mark } from "../types.js" */
/** @import { OldPlaces } from "./frames.js" */

const ROW = 17;
const SIDE = 10; // of a sample
const SHADES = [0, 2, 5, 7];

/** @typedef {{ is: boolean, cls: string, text: string }} Item */

// `changed`: so many entries were changed by another task.
/** @param {CollapseState} state @param {OldPlaces} where @param {Machine} machine @param {{ locked: number, freed: number, changed: number }} counts @returns {Item[]} */
function itemsOf(state, where, machine, { locked, freed, changed }) {
  const others = [...where.others.keys()].filter((page) => !machine.isFree(page)).length;
  const free = freed + where.others.size - others;
  return [
    { is: where.places.has(state.old[state.now] ?? -1), cls: "sc-here", text: `entry ${state.now}: now` },
    { is: changed > 0, cls: "sc-changed", text: "just changed" },
    { is: !changed && state.culprit >= 0, cls: "sc-here", text: `entry ${state.culprit}: the reason` },
    { is: locked > 0, cls: "sc-locked", text: "locked" },
    { is: state.copied > 0 && freed < state.old.length, cls: "sc-cell sc-copied", text: "copied" },
    { is: others > 0, cls: "sc-cell sc-other", text: "in use, not this window's" },
    { is: state.old.slice(0, state.copied).some((page) => page < 0), cls: "sc-zero", text: "zeros" },
    { is: free > 0, cls: "sc-dot", text: "free" },
  ];
}

/** @param {string} k @param {number} x @param {number} y @param {string} cls */
function sampleOf(k, x, y, cls) {
  const radius = { "sc-dot": 1.5, "sc-zero": 4 }[cls];
  return radius ? rings(k, [[x + SIDE / 2, y - 4]], radius, cls) : rect(k, x, y - 9, SIDE, SIDE, cls);
}

// Rows of samples and words within a width.
/** @param {CollapseState} state @param {OldPlaces} where @param {Machine} machine @param {{ locked: number, freed: number, changed: number }} counts @param {number} x @param {number} y @param {number} w @param {number} rows @returns {Mark[]} */
export function legend(state, where, machine, counts, x, y, w, rows) {
  const shades = SHADES.map((n, i) => rect(`key-s${n}`, x + i * 11, y - 9, SIDE, SIDE, `sc-cell sc-s${n}`));
  const range = `entry 0 to ${state.old.length - 1}`;
  const marks = [...shades, words("key-range", x + 49, y, range, "sc-quiettext sc-small")];
  let [at, row] = [x + 49 + widthOf(range, 13) + 14, 0];
  for (const [i, { is, cls, text }] of itemsOf(state, where, machine, counts).entries()) {
    if (!is) continue;
    const wide = SIDE + 6 + widthOf(text, 13);
    if (at + wide > x + w) [at, row] = [x, row + 1];
    if (row >= rows) break;
    marks.push(
      sampleOf(`key-${i}`, at, y + row * ROW, cls),
      words(`key-t${i}`, at + SIDE + 6, y + row * ROW, text, "sc-quiettext sc-small"),
    );
    at += wide + 14;
  }
  return marks;
}
