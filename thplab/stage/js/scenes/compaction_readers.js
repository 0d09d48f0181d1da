// The two readers of compaction: a line across the block that each reads, and a handle with its name.

import { path, rect, words } from "./marks.js";
import { blockOf, placeOf } from "./zone_marks.js";

/** @import { BlockBox, CompactionState, Look, Mark, ZoneFrames } from "../types.js" */

// The line of a reader above the frame that it reads next: at a border it is on top of the next block.
/** @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {number} frame */
function lineOf(zone, boxes, frame) {
  const block = blockOf(zone, frame);
  const { x, y, w, h } = boxes[Math.max(0, block < 0 ? boxes.length - 1 : block)];
  return { x, w, y: block < 0 ? y + h : placeOf(zone, boxes, frame)[2] };
}

// A reader's place in words.
/** @param {ZoneFrames} zone @param {number} frame */
export function readerWords(zone, frame) {
  const block = blockOf(zone, frame);
  return `frame ${frame}, ${block < 0 ? "the end of the zone" : `block ${block}`}`;
}

/** @param {CompactionState} state @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {Look} look @param {number} y @returns {Mark[]} */
export function readers(state, zone, boxes, { width, narrow }, y) {
  if (state.migrate < 0) return [];
  const wide = narrow ? (width - 12) / 2 : 336;
  const [m, f] = [lineOf(zone, boxes, state.migrate), lineOf(zone, boxes, state.free)];
  const single = new Set(boxes.map((box) => box.y)).size === 1;
  /** @param {number} x @param {number} least @param {number} most */
  const fit = (x, least, most) => Math.max(least, Math.min(most, x - wide / 2));
  const left = narrow ? 2 : fit(m.x + m.w / 2, 2, width - 2 * wide - 10);
  const right = narrow ? width - wide - 2 : fit(f.x + f.w / 2, left + wide + 8, width - wide - 2);
  const bottom = Math.max(...boxes.map((box) => box.y + box.h));
  const rows = /** @type {const} */ ([
    ["migrate", m, left, "sc-reader", "▶ migrate scanner", "takes used pages", state.migrate],
    ["free", f, right, "sc-reader sc-hollow", "◁ free scanner", "finds free places", state.free],
  ]);
  return rows.flatMap(([k, line, x, cls, name, does, frame]) => {
    const how = state.ended ? "stopped at" : `${does}, next:`;
    const place = readerWords(zone, frame);
    const says = narrow ? [how, place] : [`${how} ${place}`];
    const [stem, end] = [line.x + line.w / 2, Math.max(x + 16, Math.min(x + wide - 16, line.x + line.w / 2))];
    const handle = [
      rect(`${k}-box`, x, y, wide, narrow ? 58 : 42, `${cls} sc-handle`, 6),
      words(`${k}-name`, x + 10, y + 18, name, "sc-strongtext"),
      ...says.map((text, i) =>
        words(`${k}-says${i}`, x + 10, y + 35 + 16 * i, text, "sc-small sc-quiettext"),
      ),
    ];
    if (single) handle.unshift(path(`${k}-stem`, `M${stem} ${bottom + 3}L${end} ${y}`, "sc-stem"));
    return [...handle, rect(`${k}-line`, line.x - 6, line.y - 4, line.w + 12, 8, cls, 4)];
  });
}
