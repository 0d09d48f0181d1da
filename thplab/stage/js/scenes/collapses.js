// The collapses of a recording, read from what is told: which window, from when on, and how far it is at a moment.

import { once } from "../data/moment.js";
import { SUCCEEDED } from "../data/verdicts.js";

/** @import { Collapse, CollapseState, Machine, Moment, Reader, Sentence } from "../types.js" */

// What is told at the end of each phase, in their order.
export const ENDS = ["found_memory", "locks_out", "fenced", "isolated", "copied", "freed", "published"];
export const PHASES = ["get memory", "re-check", "fence", "isolate", "copy", "free", "publish"];
const STORY = 2;
export const GOES_BACK = "puts_back"; // told before the reason is

const made = new WeakMap();

/** @param {Reader} reader @returns {Collapse[]} */
export function collapsesOf(reader) {
  if (!made.has(reader)) made.set(reader, findCollapses(reader));
  return made.get(reader);
}

/** @param {Reader} reader */
function findCollapses({ story }) {
  const found = /** @type {Collapse[]} */ ([]);
  let open = /** @type {Collapse | null} */ (null);
  for (let place = 0; place < story.length; place++) {
    if (story.rankOf(place) < STORY) continue;
    const told = story.read(place);
    if (told.kind === "steps_aside") {
      open = { begin: told, told: [] };
      found.push(open);
    }
    open?.told.push(told);
    if (isOver(told)) open = null;
  }
  return found;
}

// After it the collapse changes nothing any more.
/** @param {Sentence} told */
const isOver = ({ kind }) => kind === "lets_in" || kind.startsWith("not_collapsed");

// How far the collapse of a moment is, or the last one before it; null before the first.
export const readCollapse = once(read);

/** @param {Moment} moment @returns {CollapseState | null} */
function read(moment) {
  const { reader, step } = moment;
  const collapse = collapsesOf(reader).findLast(({ begin }) => begin.moment <= step);
  if (!collapse) return null;
  const told = collapse.told.filter((each) => each.moment <= step);
  /** @param {string} kind */
  const of = (kind) => told.find((each) => each.kind === kind);
  const failed = told.find(
    ({ kind, values }) => kind === GOES_BACK || ("result" in values && values.result !== SUCCEEDED),
  );
  const done = Math.max(0, ...told.map(({ kind }) => ENDS.indexOf(kind) + 1));
  const ends = ENDS.indexOf(moment.told?.kind ?? "");
  const why = told.find(
    ({ values: { entry, result = SUCCEEDED } }) => entry !== undefined && result !== SUCCEEDED,
  );
  return {
    told,
    begin: collapse.begin.values,
    done,
    phase: ends < 0 ? done : ends,
    ends: ends >= 0,
    now: failed || ends >= 0 ? -1 : atWork(moment, done),
    failed: failed ?? null,
    culprit: why ? Number(why.values.entry) : -1,
    over: isOver(told[told.length - 1]),
    block: pageOf(reader.machine, of("found_memory")),
    copied: copied(moment, of("copies"), of("copied")),
    flies: inFlight(moment),
    old: oldPages(reader, collapse, (of("fenced") ?? collapse.begin).moment),
  };
}

/** @param {Machine} machine @param {Sentence | undefined} found */
const pageOf = (machine, found) => (found ? Number(found.values.new) - machine.startPfn : -1);

// The entry that is isolated, copied or freed: that of the sentence, else that of the loop.
/** @param {Moment} moment @param {number} done */
function atWork({ told, step, cursor }, done) {
  if (done < ENDS.indexOf("isolated") || done > ENDS.indexOf("freed")) return -1;
  const named = told?.moment === step ? told.values.entry : undefined;
  return named === undefined ? cursor : Number(named);
}

// How many entries are copied: all of them, or those up to the last one that was told.
/** @param {Moment} moment @param {Sentence | undefined} begun @param {Sentence | undefined} ended */
function copied(moment, begun, ended) {
  if (ended) return Number(ended.values.copied);
  if (!begun || !moment.told) return 0;
  const { story } = moment.reader;
  for (let place = moment.told.place; place > begun.place; place--) {
    const { values } = story.read(place);
    if (values.copied !== undefined) return Number(values.copied);
  }
  return 0;
}

// The entries whose contents move at this moment: one, or some of a half; none at another moment.
/** @param {Moment} moment @returns {number[]} */
function inFlight({ told, step, reader }) {
  if (told?.moment !== step) return [];
  if (told.kind === "copied_entry") return [Number(told.values.entry)];
  if (told.kind !== "half_copied" && told.kind !== "copied") return [];
  const half = reader.header.geometry.entries / 2;
  const first = told.kind === "copied" ? half : 0;
  const few = Math.min(4, half);
  const apart = half / few;
  return Array.from({ length: few }, (_, i) => first + Math.floor(i * apart + ((i + 1) * apart) / (few + 2)));
}

// Of each entry the frame that it mapped (-1: none) when the collapse began, and from the fence on then, for what was
// swapped out is read in between; whatever it maps now.
/** @param {Reader} reader @param {Collapse} collapse @param {number} at */
function oldPages({ machine, timeline }, collapse, at) {
  if (collapse.old?.at !== at) {
    const table = machine.tableOf(Number(collapse.begin.values.table_frame));
    const entries = machine.header.geometry.entries;
    const then = table && timeline.cellsAt(table.base, entries, at);
    const pages = Array.from({ length: entries }, (_, i) =>
      then ? machine.pageAt({ lo: then.lo[i], hi: then.hi[i] }) : -1,
    );
    collapse.old = { at, pages };
  }
  return collapse.old.pages;
}
