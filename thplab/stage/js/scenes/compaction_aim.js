// What a run of compaction is for: a score that is to fall, or a block that somebody wants; and the whole blocks.

import { ENDS, isWhole, wholeBlocks } from "./compactions.js";
import { moving, path, rect, words } from "./marks.js";

/** @import { BlockBox, CompactionState, Mark, Moment, ZoneFrames } from "../types.js" */

const SLOT = [48, 28, 54]; // width, height, from one to the next
const LEAST_SLOTS = 4;
const ENOUGH = "low enough, but it looks only after a block";
// It begins for the score of all zones together.
/** @param {number} w @param {number} high @param {unknown} node */
const startsAt = (w, high, node) =>
  w < 400 ? `starts above ${high} (node ${node})` : `starts if the whole node is above ${high} (${node})`;

// The score as a bar against its two marks. kcompactd starts above the dashed one, and stops at the thick one.
/** @param {CompactionState} state @param {number} w @returns {Mark[]} */
export function scoreMarks({ values, ended }, w) {
  const [score, low, high] = [values.score, values.low, values.high].map(Number);
  const enough = score <= low && !ended; // it is looked at only when a block is done
  const x = (/** @type {number} */ part) => 2 + ((w - 4) * part) / 100;
  const inside = score > 12;
  const title = `zone ${values.zone}: how scattered`;
  return [
    words("aim", 0, 14, w < 400 ? `${title} is it?` : `${title} is free memory? (score)`, "sc-strongtext"),
    rect("score-all", 2, 24, w - 4, 22, "sc-box sc-gauge", 3),
    rect("score", 2, 24, ((w - 4) * score) / 100, 22, score > low ? "sc-score" : "sc-score sc-reached", 3),
    words(
      "score-n",
      inside ? 12 : x(score) + 7, // away from the marks
      41,
      String(score),
      inside ? "sc-big sc-onfill" : "sc-big",
    ),
    path("score-low", `M${x(low)} 18V52`, "sc-limit"),
    path("score-high", `M${x(high)} 18V52`, "sc-limit sc-dashed"),
    path("score-key", "M6 58v13", "sc-limit"),
    words("score-low-t", 14, 69, enough ? ENOUGH : `stops at ${low} or less`, "sc-small"),
    ...(enough
      ? []
      : [
          path("score-key2", "M154 58v13", "sc-limit sc-dashed"),
          words("score-high-t", 162, 69, startsAt(w, high, values.node_score), "sc-small"),
        ]),
  ];
}

// The block that is wanted, and who waits for it.
/** @param {CompactionState} state @param {number} w @returns {Mark[]} */
export function wantedMarks({ values, ended, last }, w) {
  const all = values.aim === "all";
  const title = all
    ? `aim: all of zone ${values.zone} in order`
    : `wanted: ${values.wanted} free frames in a row`;
  const reached = ended && ENDS[ended.kind][1];
  const found = !all && (isWhole(last) || reached);
  const status = all
    ? "until the two readers meet"
    : found
      ? "✓ found"
      : ended
        ? "✗ not found"
        : "not found yet";
  const marks = [
    words("aim", 0, 14, title, "sc-strongtext"),
    rect("wanted", 2, 24, w - 4, 22, found ? "sc-score sc-reached" : "sc-ghost", 3),
    words("wanted-t", w / 2, 40, status, `sc-middle sc-strongtext${found ? " sc-onfill" : ""}`),
  ];
  if (all) return marks;
  const waits = values.waits !== "nobody";
  const text = waits
    ? `❚❚ ${values.waits} ${ended ? "has waited" : "waits"} for it`
    : "nobody waits: this is work ahead of time";
  return [
    ...marks,
    rect(
      "who",
      2,
      53,
      text.length * 7.6 + 16,
      22,
      waits && !ended ? "sc-chip sc-waits" : "sc-chip sc-calm",
      11,
    ),
    words("who-t", 11, 69, text, "sc-small"),
  ];
}

// The whole blocks by their numbers; one that has just become whole comes from its place.
/** @param {Moment} moment @param {CompactionState} state @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {{ x: number, y: number, w: number }} at @returns {Mark[]} */
export function slotMarks(moment, state, zone, boxes, { x, y, w }) {
  const [wide, high, step] = SLOT;
  const { last } = state;
  const whole = wholeBlocks(zone);
  const room = Math.floor((w - wide) / step) + 1;
  const shown = whole.slice(0, whole.length > room ? room - 1 : room);
  const slots = Math.min(Math.max(LEAST_SLOTS, shown.length), room);
  const fresh =
    moment.sentenceIsNew && isWhole(last) && moment.told?.place === last.place ? last.values.block : -1;
  const marks = [
    words("list", x, y + 14, `free blocks of ${zone.size} in a row: ${whole.length}`, "sc-strongtext"),
  ];
  for (let i = 0; i < slots; i++) {
    const at = x + i * step;
    if (i >= shown.length) {
      marks.push(rect(`slot-${i}`, at, y + 24, wide, high, "sc-ghost", 4));
      continue;
    }
    const block = shown[i];
    const mark = rect(`slot-w${block}`, at, y + 24, wide, high, "sc-slot", 4);
    const box = boxes[block];
    marks.push(
      block === fresh ? moving(mark, [box.x + box.w / 2 - wide / 2, box.y + box.h / 2 - high / 2]) : mark,
    );
    marks.push(words(`slot-t${block}`, at + wide / 2, y + 44, String(block), "sc-middle sc-big sc-onfill"));
  }
  if (shown.length < whole.length)
    marks.push(
      words("slot-more", x + shown.length * step + 4, y + 44, `+${whole.length - shown.length}`, "sc-big"),
    );
  return marks;
}
