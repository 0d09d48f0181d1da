// The runs of compaction in a recording, read from what is told: for what, how far, and what each batch moved.

import { once } from "../data/moment.js";

/** @import { Compaction, CompactionState, Moment, ObjectInfo, Reader, Sentence, Values, ZoneFrames } from "../types.js" */

const BEGINS = "compaction_begins";
const MOVES = ["batch", "batch_stuck", "batch_no_place", "block_spoilt"];
const SPOILT = ["block_spoilt", "block_passed"];
const WHOLE = ["block_whole", "block_whole_score", "block_whole_elsewhere"];
const NOT_BEGUN = ["compaction_skipped", "compaction_not_needed"];
// How a run ends, in a word or two; whether it has what it wanted.
export const ENDS = /** @type {Record<string, [words: string, reached: boolean]>} */ ({
  compaction_captured: ["block taken", true],
  compaction_succeeds: ["block found", true],
  compaction_succeeds_score: ["score low enough", true],
  compaction_complete: ["readers met", false],
  compaction_partial: ["readers met", false],
  compaction_yields: ["makes way", false],
  compaction_contended: ["no place left", false],
  compaction_skipped: ["no use", false],
  compaction_not_needed: ["not needed", true],
});

/** @param {Sentence} told */
export const isMove = ({ kind }) => MOVES.includes(kind);
/** @param {Sentence} told */
export const isSpoilt = ({ kind }) => SPOILT.includes(kind);
/** @param {Sentence} told */
export const isWhole = ({ kind }) => WHOLE.includes(kind);

const made = new WeakMap();

/** @param {Reader} reader @returns {Compaction[]} */
function compactionsOf(reader) {
  if (!made.has(reader)) made.set(reader, findCompactions(reader));
  return made.get(reader);
}

/** @param {Reader} reader */
function findCompactions({ story }) {
  const found = /** @type {Compaction[]} */ ([]);
  for (let place = 0; place < story.length; place++) {
    const kind = story.kindOf(place);
    const begins = kind.startsWith(BEGINS) || NOT_BEGUN.includes(kind);
    if (!begins && ![...MOVES, ...SPOILT, ...WHOLE].includes(kind) && !ENDS[kind]) continue;
    const told = story.read(place);
    if (begins) found.push({ begin: told, told: [told] });
    else found[found.length - 1]?.told.push(told);
  }
  return found;
}

// What the sentences say of single blocks, in all runs.
/** @param {Reader} reader */
export const toldOfBlocks = (reader) =>
  compactionsOf(reader).flatMap(({ told }) => told.filter(({ values }) => values.block !== undefined));

// How far the run of a moment is, or the last one before it; null before the first.
export const readCompaction = once(read);

/** @param {Moment} moment @returns {CompactionState | null} */
function read({ reader, step }) {
  const run = compactionsOf(reader).findLast(({ begin }) => begin.moment <= step);
  if (!run) return null;
  const told = run.told.filter((each) => each.moment <= step);
  const last = told[told.length - 1];
  const ended = ENDS[last.kind] ? last : null;
  const begun = last.values.migrate_frame !== undefined;
  const [migrate, free] = ended ? [] : readersNow(reader, String(last.values.zone));
  return {
    run,
    told,
    last,
    values: last.values,
    ended,
    begun,
    migrate: migrate ?? (begun ? Number(last.values.migrate_frame) : -1),
    free: free ?? (begun ? Number(last.values.free_frame) : -1),
  };
}

// Where the two readers are at this very moment; nothing if none is at work in this zone.
/** @param {Reader} reader @param {string} name @returns {number[]} */
function readersNow({ machine }, name) {
  const control = machine.object(machine.value(machine.root, "compact_control"));
  const zone = zoneOf({ machine }, name);
  if (!control || !zone || machine.object(machine.value(control, "zone")) !== zone) return [];
  const start = machine.value(zone, "zone_start_pfn");
  return ["migrate_pfn", "free_pfn"].map((field) => machine.value(control, field) - start);
}

/** @param {Pick<Reader, "machine">} reader @param {string} name @returns {ObjectInfo | undefined} */
export function zoneOf({ machine }, name) {
  const zones = machine.header.objects.filter((object) => object.type === "Zone");
  return zones.find((zone) => machine.value(zone, "name") === name);
}

// Of each block that pages have left in this run what became of it, in the order of the run.
/** @param {CompactionState} state @returns {{ block: number, fate: "whole" | "spoilt" | "now" | "left" }[]} */
export function blocksLeft({ told, ended }) {
  const fates = /** @type {Map<number, "whole" | "spoilt" | "now" | "left">} */ (new Map());
  for (const each of told) {
    const block = Number(each.values.block);
    if (isMove(each) || isSpoilt(each)) {
      for (const [other, fate] of fates) if (fate === "now" && other !== block) fates.set(other, "left");
      fates.set(block, isSpoilt(each) ? "spoilt" : ended ? "left" : "now");
    } else if (Number.isInteger(block)) fates.set(block, "whole");
  }
  return Array.from(fates, ([block, fate]) => ({ block, fate }));
}

// How many pages the run has moved.
/** @param {CompactionState} state */
export const movedSoFar = ({ told }) => told.reduce((sum, { values }) => sum + Number(values.moved ?? 0), 0);

/** @param {Values} values */
export function aimWords(values) {
  if (values.aim === "score")
    return `score ${values.score}, stops at ${values.low} or less; the node's ${values.node_score}, starts above ${values.high}`;
  if (values.aim === "all") return "wanted: all of the zone in order";
  return `wanted: ${values.wanted} free frames in a row, ${values.waits} waits`;
}

// The whole blocks by their numbers.
/** @param {ZoneFrames} zone */
export const wholeBlocks = ({ whole }) => whole.flatMap((is, block) => (is ? [block] : []));
