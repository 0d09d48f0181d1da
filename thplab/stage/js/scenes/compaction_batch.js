// A batch that compaction has moved: where it was, where it went, its way.

import { isMove } from "./compactions.js";
import { moving, path, rect, words } from "./marks.js";
import { batchOf } from "./zone_changes.js";
import { cells, isCondensed, isFew, placeOf } from "./zone_marks.js";

/** @import { BlockBox, CompactionState, Mark, Moment, ZoneFrames } from "../types.js" */

const CLEAR = 0.27; // so far down in a block there are no words

// From the block that most pages leave to the one that most go to, and how high its middle is.
/** @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {number[]} from @param {number[]} to @returns {[from: number[], to: number[], middle: number]} */
function wayOf(zone, boxes, from, to) {
  const blocks = [from, to].map((frames) =>
    commonest(frames.map((frame) => Math.floor((frame + zone.skew) / zone.size))),
  );
  const ends = [from, to].map((frames, i) => {
    const inside = frames.filter((frame) => Math.floor((frame + zone.skew) / zone.size) === blocks[i]);
    const places = inside.map((frame) => placeOf(zone, boxes, frame));
    const [x, y] = [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
    if (blocks[0] === blocks[1]) return [x, y];
    const { x: left, w } = boxes[blocks[i]];
    const towards = boxes[blocks[1 - i]].x > left ? 1 : boxes[blocks[1 - i]].x < left ? -1 : 0;
    return towards ? [towards > 0 ? left + w + 2 : left - 2, y] : [x, y];
  });
  const { y, h } = boxes[blocks[0]];
  return [ends[0], ends[1], y + h * CLEAR];
}

/** @param {number[]} numbers */
function commonest(numbers) {
  const counts = new Map();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  return [...counts].reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}

// The frames that the told batch has left.
/** @param {Moment} moment @param {CompactionState} state @param {ZoneFrames} zone @param {BlockBox[]} boxes @returns {Mark[]} */
export function places(moment, state, zone, boxes) {
  if (!isMove(state.last) || isCondensed(zone)) return [];
  const { from } = batchOf(moment.reader, state.run, state.last, zone);
  return from.length ? [cells("left", zone, boxes, from, "sc-left")] : [];
}

// Its way, and how many pages.
/** @param {Moment} moment @param {CompactionState} state @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {number} width @returns {Mark[]} */
export function flight(moment, state, zone, boxes, width) {
  const { last } = state;
  if (!isMove(last) || !isFew(zone)) return [];
  const { from, to } = batchOf(moment.reader, state.run, last, zone);
  if (!from.length || !to.length) return [];
  const text = `${last.values.moved} ${last.values.moved === 1 ? "page" : "pages"}`;
  const wide = text.length * 11.5 + 20;
  const [[x0, y0], [x1, y1], y] = wayOf(zone, boxes, from, to);
  const x = Math.max(wide / 2 + 2, Math.min(width - wide / 2 - 2, (x0 + x1) / 2));
  // The way's middle is where the number is.
  const [cx, cy] = [2 * x - (x0 + x1) / 2, 2 * y - (y0 + y1) / 2];
  const angle = Math.atan2(y1 - cy, x1 - cx);
  const tip = [0.42, -0.42].map(
    (turn) => `M${x1} ${y1}L${x1 - 15 * Math.cos(angle + turn)} ${y1 - 15 * Math.sin(angle + turn)}`,
  );
  const chip = [
    rect("batch", x - wide / 2, y - 16, wide, 32, "sc-chip sc-flying", 8),
    words("batch-n", x, y + 6, text, "sc-middle sc-big"),
  ];
  const fresh = moment.told?.place === last.place && moment.sentenceIsNew;
  return [
    path("way", `M${x0} ${y0}Q${cx} ${cy} ${x1} ${y1}`, "sc-way"),
    path("way-tip", tip.join(""), "sc-tip"),
    ...(fresh ? [moving(chip[0], [x0 - wide / 2, y0 - 16]), moving(chip[1], [x0, y0 + 6])] : chip),
  ];
}
