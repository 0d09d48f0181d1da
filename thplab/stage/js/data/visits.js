// What is told of khugepaged's passes, and which process it visited last.

/** @import { Moment, Reader, Sentence } from "../types.js" */

// biome-ignore format: a table
const HEADS = [
  "pass_begins", "visit", "passed_by", "vma_passed_over", "window_paid", "pass_ends", "nap", "no_work", "alloc_nap", "woken",
  "exceed_", // limits: their numbers belong to the window that is paid next
];

const known = new WeakMap();

// All that is told of passes, in order; found once for a recording.
/** @param {Reader} reader @returns {Sentence[]} */
export function toldOfPasses(reader) {
  if (!known.has(reader)) known.set(reader, find(reader));
  return known.get(reader);
}

/** @param {Reader} reader */
function find({ story, header, recording }) {
  const wanted = header.templates.map(({ kind }) => HEADS.some((head) => kind.startsWith(head)));
  const found = /** @type {Sentence[]} */ ([]);
  for (let place = 0; place < story.length; place++)
    if (wanted[recording.columns.t_template[place]]) found.push(story.read(place));
  return found;
}

// What was told last of a process, whichever it was.
/** @param {Moment} moment @returns {Sentence | undefined} */
const lastTold = (moment) =>
  toldOfPasses(moment.reader).findLast(
    ({ moment: at, kind, values }) =>
      at <= moment.step && values.mm !== undefined && !kind.startsWith("exceed_"),
  );

// The moment of what is told next, or told last before, and is wanted; -1: nothing is.
/** @param {Sentence[]} told @param {number} step @param {(told: Sentence) => boolean} wanted */
export function nearest(told, step, wanted) {
  const found = told.filter(wanted);
  return (found.find(({ moment }) => moment > step) ?? found[found.length - 1])?.moment ?? -1;
}

// The name of the process that the scene is about: the one visited last; "" before the first visit.
/** @param {Moment} moment */
export const visited = (moment) => String(lastTold(moment)?.values.mm ?? "");
