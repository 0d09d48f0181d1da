// Which frames of a zone come into use, or out of it, between two moments.

/** @import { Compaction, CompactionBatch, Reader, Sentence, ZoneFrames } from "../types.js" */

// The frames of the zone whose count of references changes from one moment to another.
/** @param {Reader} reader @param {ZoneFrames} zone @param {number} one @param {number} other @returns {Set<number>} */
export function changedBetween({ machine, timeline }, { first, kinds }, one, other) {
  const base = machine.frameCell("refcount", first);
  const [from, to] = [one, other].map((step) => timeline.changeEnd[step]).sort((a, b) => a - b);
  const found = /** @type {Set<number>} */ (new Set());
  for (let i = from; i < to; i++) {
    const frame = timeline.cell[i] - base;
    if (frame >= 0 && frame < kinds.length) found.add(frame);
  }
  return found;
}

/** @param {Reader} reader @param {ZoneFrames} zone @param {number} frame @param {number} step */
export const isUsed = ({ machine, timeline }, { first }, frame, step) =>
  Boolean(timeline.valueAt(machine.frameCell("refcount", first + frame), step).lo);

const batches = new WeakMap();

// The frames that a batch has left, and those that it has gone to: what changed since the sentence before.
/** @param {Reader} reader @param {Compaction} run @param {Sentence} told @param {ZoneFrames} zone @returns {CompactionBatch} */
export function batchOf(reader, run, told, zone) {
  const known = batches.get(run) ?? new Map();
  batches.set(run, known);
  if (!known.has(told.place)) {
    const before = run.told[run.told.findIndex(({ place }) => place === told.place) - 1];
    const batch = /** @type {CompactionBatch} */ ({ from: [], to: [] });
    for (const frame of changedBetween(reader, zone, before.moment, told.moment)) {
      const [was, is] = [before, told].map(({ moment }) => isUsed(reader, zone, frame, moment));
      if (was !== is) (is ? batch.to : batch.from).push(frame);
    }
    known.set(told.place, batch);
  }
  return known.get(told.place);
}
