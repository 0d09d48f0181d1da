// Compaction: a zone's blocks, the two readers, the batch that moves between them, and what it is all for.

import { nearest } from "../data/visits.js";
import { scoreMarks, slotMarks, wantedMarks } from "./compaction_aim.js";
import { flight, places } from "./compaction_batch.js";
import { readers, readerWords } from "./compaction_readers.js";
import {
  aimWords,
  blocksLeft,
  ENDS,
  isMove,
  isSpoilt,
  isWhole,
  movedSoFar,
  readCompaction,
  toldOfBlocks,
  wholeBlocks,
  zoneOf,
} from "./compactions.js";
import { path, rect, words } from "./marks.js";
import { FRAMES, zoneFrames } from "./zone_frames.js";
import {
  blockMarks,
  blockOf,
  boxesOf,
  frameMarks,
  isCondensed,
  isLarge,
  placeOf,
  zoneLegend,
} from "./zone_marks.js";

/** @import { BlockBox, CompactionState, Look, Mark, Moment, SceneModule, ScenePart, Thing, ZoneFrames } from "../types.js" */

const HEIGHT = 376;
const TALL = 552;
const MOST_PARTS = 6; // blocks that the timeline names
const HEAD = 20; // above a block: what is written there is part of it
// What became of a block, behind what is free in it.
const FATE = {
  whole: "",
  spoilt: ", some stay",
  now: ", pages leave it",
  left: ", pages left it",
  none: "",
};
const MANY = 16; // of so many blocks the text gives each one's free frames

/** @param {CompactionState} state @param {ZoneFrames} zone */
function fates(state, zone) {
  const left = new Map(blocksLeft(state).map(({ block, fate }) => [block, fate]));
  const whole = new Set(wholeBlocks(zone));
  const taken = state.last.kind === "compaction_captured" ? Number(state.last.values.block) : -1;
  const fresh = isWhole(state.last) ? Number(state.last.values.block) : -1;
  const leaves = isMove(state.last) ? Number(state.last.values.block) : -1; // the places that were left are shown
  return (/** @type {number} */ block) => {
    if (block === taken) return { mark: "✓", cls: "sc-paper sc-whole", says: "taken" };
    if (whole.has(block))
      return {
        mark: "✓",
        cls: block === fresh ? "sc-paper sc-whole sc-fresh" : "sc-paper sc-whole",
        says: block === leaves ? "" : "all free",
      };
    if (left.get(block) === "spoilt") return { mark: "✗", cls: "sc-paper sc-spoilt", says: "" };
    return { mark: "", cls: "sc-paper", says: "" };
  };
}

// Words in the blocks: whole, or how many pages stay.
/** @param {CompactionState} state @param {ZoneFrames} zone @param {BlockBox[]} boxes @returns {Mark[]} */
function verdicts(state, zone, boxes) {
  if (isCondensed(zone) || boxes[0].w < 56) return [];
  const fateOf = fates(state, zone);
  const marks = boxes.flatMap(({ x, y, w, h }, block) => {
    const { says } = fateOf(block);
    return says
      ? [words(`says-${block}`, x + w / 2, y + h / 2 + 6, says, "sc-middle sc-big sc-wholetext")]
      : [];
  });
  if (isLarge(boxes)) return marks;
  for (const { values } of state.told.filter(isSpoilt)) {
    const { x, y, w, h } = boxes[Number(values.block)];
    const [wide, one] = [Math.min(w - 4, 92), Number(values.stays) === 1];
    const at = y + h * 0.68;
    marks.push(
      rect(`stays-${values.block}`, x + w / 2 - wide / 2, at - 20, wide, 42, "sc-box sc-note", 4),
      words(
        `stays-a${values.block}`,
        x + w / 2,
        at - 3,
        `${values.stays} ${one ? "page" : "pages"}`,
        "sc-middle sc-small",
      ),
      words(
        `stays-b${values.block}`,
        x + w / 2,
        at + 14,
        one ? "stays" : "stay",
        "sc-middle sc-small sc-strongtext",
      ),
    );
  }
  return marks;
}

// A pin at each frame that is held, where there are few: a square alone is too small to be seen.
/** @param {ZoneFrames} zone @param {BlockBox[]} boxes @returns {Mark[]} */
function pins(zone, boxes) {
  const held = zone.ofKind[FRAMES.pinned];
  if (!held.length || held.length > 12 || isCondensed(zone)) return [];
  const d = held.map((frame) => {
    const [x, y] = placeOf(zone, boxes, frame);
    const box = boxes[Math.floor((frame + zone.skew) / zone.size)];
    // Upside down where it would reach out of its block.
    return y - 24 < box.y
      ? `M${x} ${y + 4}v7m-6 0h12l-3 4v6h2v3h-10v-3h2v-6z`
      : `M${x} ${y - 4}v-7m-6 0h12l-3 -4v-6h2v-3h-10v3h2v6z`;
  });
  return [path("pins", d.join(""), "sc-pin")];
}

/** @param {Moment} moment @param {CompactionState | null} state */
function zoneOfMoment(moment, state) {
  const { reader } = moment;
  const zones = reader.header.objects.filter(({ type }) => type === "Zone");
  return (state && zoneOf(reader, String(state.values.zone))) || zones[zones.length - 1];
}

/** @param {ZoneFrames} zone @param {Look} look */
function boxesIn(zone, { width, narrow }) {
  const [top, bottom] = narrow ? [188, TALL - 66] : [94, HEIGHT - 52];
  return boxesOf(zone, { x: 8, y: top, w: width - 16, h: bottom - top }, narrow);
}

// The blocks; Enter goes to where something is next told of one.
/** @param {Moment} moment @returns {Thing[]} */
function things(moment) {
  const state = readCompaction(moment);
  if (!state) return [];
  const zone = zoneFrames(moment.reader, zoneOfMoment(moment, state), state.run);
  const fates = new Map(blocksLeft(state).map(({ block, fate }) => [block, fate]));
  const at = blockOf(zone, state.migrate);
  return zone.free.map((free, block) => ({
    key: `block ${block}`,
    words: `block ${block}: ${free} of ${zone.size} frames free${FATE[fates.get(block) ?? "none"]}`,
    here: block === at,
    enters: () => nearest(toldOfBlocks(moment.reader), moment.step, ({ values }) => values.block === block),
  }));
}

/** @param {Moment} moment @param {Look} look @param {BlockBox[]} boxes @returns {Mark[]} */
function chosenMarks(moment, { chosen, narrow }, boxes) {
  const thing = chosen ? things(moment).find(({ key }) => key === chosen) : null;
  const box = thing && boxes[Number(chosen.split(" ")[1])];
  if (!box) return [];
  const { x, y, w, h } = box;
  return [
    rect("chosen", x - 5, y - 5, w + 10, h + 10, "sc-chosen", 4),
    words(
      "chosen-t",
      0,
      narrow ? 184 : 88,
      `${thing.words}${narrow ? "" : "; Enter goes there"}`,
      "sc-small sc-strongtext",
    ),
  ];
}

/** @type {SceneModule} */
export const compactionScene = {
  height: ({ narrow }) => (narrow ? TALL : HEIGHT),
  marks(moment, look) {
    const { width, narrow } = look;
    const state = readCompaction(moment);
    const zone = zoneFrames(moment.reader, zoneOfMoment(moment, state), state?.run);
    const legend = narrow ? 150 : 69;
    const boxes = boxesIn(zone, look);
    const half = narrow ? width : Math.floor(width / 2) - 16;
    const slots = narrow ? { x: 2, y: 84, w: width - 4 } : { x: half + 32, y: 0, w: width - half - 32 };
    const key = zoneLegend(zone, slots.x + 2, legend, slots.w - 4, Boolean(state && isMove(state.last)));
    if (!state)
      return [
        words("none", 0, 14, `zone ${zone.name}: no compaction has begun yet`, "sc-strongtext"),
        ...key,
        ...blockMarks(zone, boxes, (block) => ({
          mark: "",
          cls: zone.whole[block] ? "sc-paper sc-whole" : "sc-paper",
        })),
        ...frameMarks(zone, boxes),
      ];
    return [
      ...(state.values.aim === "score" ? scoreMarks(state, half) : wantedMarks(state, half)),
      ...slotMarks(moment, state, zone, boxes, slots),
      ...key,
      ...blockMarks(zone, boxes, fates(state, zone)),
      ...frameMarks(zone, boxes),
      ...pins(zone, boxes),
      ...places(moment, state, zone, boxes),
      ...verdicts(state, zone, boxes),
      ...chosenMarks(moment, look, boxes),
      ...readers(state, zone, boxes, look, narrow ? TALL - 60 : HEIGHT - 43),
      ...flight(moment, state, zone, boxes, width),
    ];
  },
  parts(moment) {
    const state = readCompaction(moment);
    if (!state) return [];
    const blocks = blocksLeft(state).slice(-MOST_PARTS);
    const states = /** @type {const} */ ({ whole: "done", spoilt: "failed", now: "now", left: "later" });
    const end = state.ended && ENDS[state.ended.kind];
    const parts = /** @type {ScenePart[]} */ ([
      { name: "start", state: blocks.length || end ? "done" : "now" },
    ]);
    for (const { block, fate } of blocks) parts.push({ name: `block ${block}`, state: states[fate] });
    if (end) parts.push({ name: end[0], state: end[1] ? "done" : "failed" });
    return parts;
  },
  things,
  thingAt(moment, look, x, y) {
    const state = readCompaction(moment);
    if (!state) return "";
    const boxes = boxesIn(zoneFrames(moment.reader, zoneOfMoment(moment, state), undefined), look);
    const block = boxes.findIndex((b) => x >= b.x && x <= b.x + b.w && y >= b.y - HEAD && y <= b.y + b.h);
    return block < 0 ? "" : `block ${block}`;
  },
  lines(moment) {
    const state = readCompaction(moment);
    if (!state) return [];
    const zone = zoneFrames(moment.reader, zoneOfMoment(moment, state), undefined);
    const whole = wholeBlocks(zone);
    const spoilt = blocksLeft(state).flatMap(({ block, fate }) => (fate === "spoilt" ? [block] : []));
    const [migrate, free] = [state.migrate, state.free].map((frame) => readerWords(zone, frame));
    const at = `migrate scanner at ${migrate}; free scanner at ${free}`;
    const end = state.ended ? `ended, ${ENDS[state.ended.kind][0]}` : "at work";
    return [
      `zone ${zone.name}, ${end}: ${state.migrate < 0 ? "the scanners have no places" : at}; ${movedSoFar(state)} pages moved`,
      aimWords(state.values),
      `blocks all free: ${whole.join(", ") || "none"}; spoilt: ${spoilt.join(", ") || "none"}`,
      ...(zone.free.length <= MANY ? [`free frames in the blocks: ${zone.free.join(", ")}`] : []),
    ];
  },
};
