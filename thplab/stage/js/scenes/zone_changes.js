// Which frames of a zone come into use, or out of it, between two moments.

/** @import { Compaction, CompactionBatch, Reader, Sentence, ZoneFrames } from "../types.js" */

// The frames of the zone whose count of references changes from one moment to a later one: was each in use, is it?
/** @param {Reader} reader @param {ZoneFrames} zone @param {number} one @param {number} other @returns {Map<number, { was: boolean, is: boolean }>} */
export function changedBetween({ machine, timeline }, { first, kinds }, one, other) {
  const base = machine.frameCell("refcount", first);
  const { changeEnd, cell, before, after } = timeline;
  const found = /** @type {Map<number, { was: boolean, is: boolean }>} */ (new Map());
  for (let i = changeEnd[one]; i < changeEnd[other]; i++) {
    const frame = cell[i] - base;
    if (frame < 0 || frame >= kinds.length) continue;
    const known = found.get(frame);
    if (known) known.is = after.lo[i] > 0;
    else found.set(frame, { was: before.lo[i] > 0, is: after.lo[i] > 0 });
  }
  return found;
}

const batches = new WeakMap();

// The frames that a batch has left, and those that it has gone to: what changed since the sentence before.
/** @param {Reader} reader @param {Compaction} run @param {Sentence} told @param {ZoneFrames} zone @returns {CompactionBatch} */
export function batchOf(reader, run, told, zone) {
  const known = batches.get(run) ?? new Map();
  batches.set(run, known);
  if (!known.has(told.place)) {
    const before = run.told[run.told.findIndex(({ place }) => place === told.place) - 1];
    const batch = /** @type {CompactionBatch} */ ({ from: [], to: [] });
    for (const [frame, { was, is }] of changedBetween(reader, zone, before.moment, told.moment))
      if (was !== is) (is ? batch.to : batch.from).push(frame);
    known.set(told.place, batch);
  }
  return known.get(told.place);
}
