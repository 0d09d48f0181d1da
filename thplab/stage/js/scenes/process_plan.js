// Where the rows of an address space are: large boxes in as many lines as fit, the row that matters in view.

import { perLine } from "./process_boxes.js";

/** @import { RowPlace, SpaceRow } from "../types.js" */

const SIDE = 176; // the column of names
const UNITS = 130;
const TOP = 20;

/** @param {number} width @param {boolean} narrow */
export const layout = (width, narrow) =>
  narrow
    ? { head: 30, line: 48, room: 354, x: 4, w: width - 8, bar: 422, barX: 8, barW: width - 16, height: 524 }
    : {
        head: 10,
        line: 54,
        room: 272,
        x: SIDE,
        w: width - SIDE - UNITS,
        bar: 312,
        barX: SIDE,
        barW: width - SIDE - UNITS,
        height: 376,
      };

/** @typedef {ReturnType<typeof layout>} Layout */

/** @param {Layout} places @param {number} lines */
const highOf = ({ head, line }, lines) => (head > 10 ? head + line * lines : line * lines);

// The rows that are shown, each with its place and its lines; `from`: so many are above.
/** @param {SpaceRow[]} rows @param {number} at @param {Layout} places @returns {{ from: number, shown: RowPlace[] }} */
export function plan(rows, at, places) {
  const wanted = rows.map((row) =>
    row.over || !row.count ? 1 : Math.ceil(row.windows.length / perLine(places.w)),
  );
  const all = wanted.reduce((sum, lines) => sum + highOf(places, lines), 0);
  if (all <= places.room) return { from: 0, shown: placed(rows, wanted, places) };
  const most = Math.floor(places.room / highOf(places, 1));
  const from = Math.max(0, Math.min(at - Math.floor(most / 2), rows.length - most));
  const shown = rows.slice(from, from + most);
  // What is left over is for the row that matters.
  const spare = Math.floor((places.room - shown.length * highOf(places, 1)) / places.line);
  const lines = shown.map((_, i) => (from + i === at && wanted[at] <= 1 + spare ? wanted[at] : 1));
  return { from, shown: placed(shown, lines, places) };
}

/** @param {SpaceRow[]} rows @param {number[]} lines @param {Layout} places @returns {RowPlace[]} */
function placed(rows, lines, places) {
  let y = TOP;
  return rows.map((row, i) => {
    const high = highOf(places, lines[i]);
    y += high;
    return { row, lines: lines[i], y: y - high, high };
  });
}
