// What the squares of a collapse mean: only what the picture has, each kind beside the frames that show it.

import { tickPath } from "./frames.js";
import { path, rect, rings, widthOf, words, zeroPath } from "./marks.js";

/** @import { CollapseState, Machine, Mark } from "../types.js" */
/** @import { OldPlaces } from "./frames.js" */

const ROW = 17;
const SIDE = 10; // of a sample
const SHADES = [0, 2, 5, 7];

/** @typedef {(k: string, x: number, y: number) => Mark[]} Sample */
/** @typedef {{ is: boolean, sample: Sample, text: string }} Item */
/** @typedef {{ x: number, y: number, w: number, rows: number }} Box */

/** @param {string} cls @returns {Sample} */
const square = (cls) => (k, x, y) => [rect(k, x, y, SIDE, SIDE, cls)];
/** @type {Sample} */
const shades = (k, x, y) =>
  SHADES.map((n, i) => rect(`${k}-s${n}`, x + i * 11, y, SIDE, SIDE, `sc-cell sc-s${n}`));
/** @type {Sample} */
const copied = (k, x, y) => [
  rect(k, x, y, SIDE, SIDE, "sc-cell sc-s1"),
  path(`${k}-tick`, tickPath(x, y, SIDE), "sc-copied"),
];
/** @type {Sample} */
const zeros = (k, x, y) => [path(k, zeroPath(x, y, SIDE), "sc-zero")];
/** @type {Sample} */
const dot = (k, x, y) => [rings(k, [[x + SIDE / 2, y + SIDE / 2]], 1.5, "sc-dot")];

// Of the old frames. `changed`: so many entries were changed by another task.
/** @param {CollapseState} state @param {OldPlaces} where @param {Machine} machine @param {{ locked: number, freed: number, changed: number }} counts @returns {Item[]} */
export function oldItems(state, where, machine, { locked, freed, changed }) {
  const others = [...where.others.keys()].filter((page) => !machine.isFree(page)).length;
  const free = freed + where.others.size - others;
  const refused = !changed && state.culprit >= 0;
  const all = state.old.length;
  const mine = state.old.filter((page) => page >= 0).length;
  return [
    { is: mine > freed, sample: shades, text: `entry 0 to ${all - 1}` },
    {
      is: !refused && where.places.has(state.old[state.now] ?? -1),
      sample: square("sc-here"),
      text: `entry ${state.now}: now`,
    },
    { is: changed > 0, sample: square("sc-changed"), text: "just changed by another task" },
    { is: refused, sample: square("sc-refused"), text: `entry ${state.culprit}: why it fails` },
    { is: locked > 0, sample: square("sc-locked"), text: "locked" },
    { is: isCopied(state, machine), sample: copied, text: "copied" },
    { is: others > 0, sample: square("sc-cell sc-other"), text: "other pages in use" },
    { is: free > 0, sample: dot, text: "free" },
  ];
}

// Is an old page copied and not freed yet?
/** @param {CollapseState} state @param {Machine} machine */
const isCopied = ({ old, copied }, machine) =>
  old.slice(0, copied).some((page) => page >= 0 && !machine.isFree(page));

// Of the new block.
/** @param {CollapseState} state @returns {Item[]} */
export function newItems({ block, failed, old, copied }) {
  const has = block >= 0 && !failed;
  const zeroed = old.slice(0, copied).some((page) => page < 0);
  return [
    { is: has && copied < old.length, sample: square("sc-unfilled"), text: "not filled yet" },
    { is: has && zeroed, sample: zeros, text: "zeros, where a hole was" },
  ];
}

// Rows of samples and words within a width; `k`: whose.
/** @param {string} k @param {Item[]} items @param {Box} box @returns {Mark[]} */
export function legend(k, items, { x, y, w, rows }) {
  const marks = /** @type {Mark[]} */ ([]);
  let [at, row] = [x, 0];
  for (const [i, { is, sample, text }] of items.entries()) {
    if (!is) continue;
    const side = sample === shades ? 4 * 11 : SIDE;
    const wide = side + 6 + widthOf(text, 13);
    if (at + wide > x + w && at > x) [at, row] = [x, row + 1];
    if (row >= rows) break;
    marks.push(
      ...sample(`${k}-${i}`, at, y + row * ROW - 9),
      words(`${k}-t${i}`, at + side + 6, y + row * ROW, text, "sc-quiettext sc-small"),
    );
    at += wide + 14;
  }
  return marks;
}
