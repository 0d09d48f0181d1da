// A row of an address space: a mapping's name, its windows or why it has none, its units, the cursor.

import { moving, path, rect, widthOf, words, wrapped } from "./marks.js";
import { sizeWords } from "./names.js";
import { drawOver, drawWindows, saysBeside } from "./process_boxes.js";

/** @import { Mark, Moment, RowPlace, SpaceRow } from "../types.js" */
/** @typedef {{ here: boolean, cursor: bigint, width: number, narrow: boolean, chosen: string }} RowLook */

const HIGH = 40; // a box
const REASON = 500; // no reason is wider

/** @param {SpaceRow} row */
export const rowName = ({ mappings, number }) =>
  mappings > 1 ? `${mappings} mappings` : `mapping ${number}`;

// `beside`: what the window in the sentence has no room to say in its box.
/** @param {SpaceRow} row @param {number} y @param {RowLook} look @param {string} beside @returns {Mark[]} */
function names(row, y, { width, narrow }, beside) {
  const k = `row-${row.number}`;
  const name = rowName(row);
  const size = `${row.file ? "file" : "anonymous"}, ${sizeWords(row.bytes)}`;
  const units = words(
    `${k}-units`,
    width - 6,
    y + (narrow ? 16 : 36),
    String(row.units),
    "sc-end sc-strongtext",
  );
  if (narrow)
    return [
      words(`${k}-name`, 6, y + 16, name, "sc-strongtext"),
      words(`${k}-what`, 14 + widthOf(name, 14, 600), y + 16, beside || size, "sc-small sc-quiettext"),
      units,
    ];
  return [
    words(`${k}-name`, 6, y + 26, name, "sc-strongtext"),
    words(`${k}-what`, 6, y + 43, size, "sc-small sc-quiettext"),
    words(`${k}-beside`, width - 6, y + 17, beside, "sc-end sc-small"),
    units,
  ];
}

/** @param {Moment} moment @param {RowPlace} place @param {import("./process_plan.js").Layout} places @param {RowLook} look @returns {Mark[]} */
export function drawRow(moment, { row, lines, y, high }, places, look) {
  const { here, cursor, width, chosen } = look;
  const k = `row-${row.number}`;
  const named = moment.told?.moment === moment.step ? String(moment.told.values.window ?? "") : "";
  const room = {
    k,
    x: places.x,
    y: y + places.head,
    w: places.w,
    h: HIGH,
    line: places.line,
    lines,
    named,
    chosen,
  };
  const marks = here ? [rect(`${k}-here`, 0, y, width, high - 2, "sc-herow", 5)] : [];
  marks.push(...names(row, y, look, saysBeside(row, room)));
  if (row.over || !row.count) {
    const why = row.over ? `passed over: ${row.over.values.why}` : "not asked yet";
    return [...marks, ...drawOver(room, wrapped(why, Math.min(room.w, REASON) - 48, 13).slice(0, 2))];
  }
  const { marks: boxes, at } = drawWindows(moment.reader.machine, row, room);
  marks.push(...boxes);
  if (cursor < row.first || cursor > row.last) return marks;
  const size = (row.last - row.first) / BigInt(row.count);
  const [x, top] = at(Number((cursor - row.first) / size));
  const inside = cursor < row.last ? 14 : 2; // else behind the last window
  return [...marks, cursorMark(x + inside, top, named ? "" : " sc-door")];
}

// A triangle that points at the top of a box, and moves to the next one.
/** @param {number} x @param {number} y @param {string} door */
function cursorMark(x, y, door) {
  const mark = path("cursor", `M${x} ${y + 4}l-7 -13h14z`, `sc-hand-tip${door}`);
  return moving({ ...mark, at: { ...mark.at, x, y } });
}
