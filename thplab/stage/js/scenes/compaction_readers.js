// The two readers of compaction: a line across the block that each reads, and a handle with its name.

import { path, rect, words } from "./marks.js";
import { placeOf } from "./zone_marks.js";

/** @import { BlockBox, CompactionState, Look, Mark, ZoneFrames } from "../types.js" */

// The line of a reader across the block that it reads. At a border it is still in the block that it came from.
/** @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {number} frame @param {boolean} behind */
function lineOf(zone, boxes, frame, behind) {
  const inside = behind && frame > 0 ? frame - 1 : frame;
  const block = Math.min(Math.floor((inside + zone.skew) / zone.size), boxes.length - 1);
  const { x, y, w, h, rows } = boxes[block];
  const top = placeOf(zone, boxes, Math.min(inside, zone.kinds.length - 1))[2];
  return { block, x, w, y: Math.min(y + h, behind && frame > 0 ? top + h / rows : top) };
}

/** @param {CompactionState} state @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {Look} look @param {number} y @returns {Mark[]} */
export function readers(state, zone, boxes, { width, narrow }, y) {
  if (state.migrate < 0) return [];
  const started = state.migrate !== Number(state.run.begin.values.migrate_frame);
  const wide = narrow ? (width - 12) / 2 : 250;
  const [m, f] = [lineOf(zone, boxes, state.migrate, started), lineOf(zone, boxes, state.free, false)];
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
    const at = `${state.ended ? "stopped at" : "at"} frame ${frame}`;
    const says = state.ended || narrow ? [state.ended ? "" : does, at] : [`${does}, ${at}`];
    const [stem, end] = [line.x + line.w / 2, Math.max(x + 16, Math.min(x + wide - 16, line.x + line.w / 2))];
    const handle = [
      rect(`${k}-box`, x, y, wide, narrow ? 58 : 42, `${cls} sc-handle`, 6),
      words(`${k}-name`, x + 10, y + 18, name, "sc-strongtext"),
      ...says
        .filter(Boolean)
        .map((text, i) => words(`${k}-says${i}`, x + 10, y + 35 + 16 * i, text, "sc-small sc-quiettext")),
    ];
    if (single) handle.unshift(path(`${k}-stem`, `M${stem} ${bottom + 3}L${end} ${y}`, "sc-stem"));
    return [...handle, rect(`${k}-line`, line.x - 6, line.y - 4, line.w + 12, 8, cls, 4)];
  });
}
