// The faults of a recording, read from what is told: who touched what, what was asked and answered, what came of it.
// thplab/reading/scenes/fault.py reads the same in Python.

import { firstAbove } from "../data/lists.js";
import { BIT, split } from "../data/machine.js";
import { once } from "../data/moment.js";

/** @import { FaultAnswer, Fault, FaultOutcome, FaultState, Moment, Reader, ReadEntry, Sentence, WalkStep } from "../types.js" */

const NO_FRAME = 0xffffffff;
const RETURN = 2;
const TOUCHES = ["touches", "touches_small", "faults_in"];
const STOPPED = ["fault_watched", "fault_watched_write"]; // a handler is asked, and nothing is mapped
const DONE = ["fault_done", "fault_done_small", "faulted_in", ...STOPPED];

// The questions in the order in which the kernel asks them.
export const QUESTIONS = ["empty", "allowed", "whole", "block", "make", "room"];

// What is told -> the answers that it gives.
/** @type {Record<string, Record<string, FaultAnswer>>} */
const ANSWERS = {
  fault_allowed: { allowed: "yes" },
  fault_refused: { allowed: "no" },
  fault_whole: { whole: "yes" },
  fault_partial: { whole: "no" },
  fault_block: { block: "yes" },
  fault_made_block: { block: "no", make: "yes" },
  fault_no_block: { block: "no", make: "no" },
  fault_no_spare: { block: "no", make: "no" },
  fault_made_no_block: { block: "no", make: "no" },
  fault_no_limit: { room: "yes" },
  fault_room: { room: "yes" },
  fault_no_room: { room: "no" },
};
/** @type {Record<string, FaultOutcome>} */
const HUGE = { fault_huge: "huge", fault_replaced: "huge", fault_huge_zero: "zero" };

/** @type {WeakMap<Reader, Fault[]>} */
const made = new WeakMap();

/** @param {Reader} reader */
function faultsOf(reader) {
  const known = made.get(reader) ?? findFaults(reader);
  made.set(reader, known);
  return known;
}

/** @param {Reader} reader */
function findFaults({ header, story, recording }) {
  const wanted = header.templates.map(({ kind }) =>
    TOUCHES.includes(kind) ? 2 : kind in ANSWERS || kind in HUGE || DONE.includes(kind) ? 1 : 0,
  );
  const found = /** @type {Fault[]} */ ([]);
  recording.columns.t_template.forEach((template, place) => {
    if (wanted[template] === 2) found.push({ touch: story.read(place), places: [], end: -1, from: -1 });
    else if (wanted[template]) found[found.length - 1]?.places.push(place);
  });
  return found;
}

// The first and the last moment of the call that a fault is: from then on, and no longer, the program waits.
/** @param {Reader} reader @param {Fault} fault @param {number} most */
function bounds({ recording: { columns } }, fault, most) {
  if (fault.end >= 0) return;
  const outer = columns.f_parent[columns.m_frame[fault.touch.moment]];
  const call = outer ? outer - 1 : NO_FRAME;
  let from = fault.touch.moment;
  for (let at = from; at > 0 && call !== NO_FRAME; at--) {
    if (columns.m_frame[at] !== call) continue;
    from = at;
    if (columns.m_kind[at] === 1) break;
  }
  let end = fault.touch.moment;
  while (end < most && !(columns.m_kind[end] === RETURN && columns.m_frame[end] === call)) end++;
  fault.from = from;
  fault.end = end;
}

// The levels of the tables, and how far an address is shifted at each.
/** @param {Reader["header"]} header @returns {[WalkStep["level"], number][]} */
// biome-ignore format: a table
const levelsOf = ({ geometry: g }) => [
  ["PGD", g.pgdir_shift], ["PUD", g.pud_shift], ["PMD", g.pmd_shift], ["PTE", g.page_shift],
];

// The walk of an address: down to a leaf or to an entry that is not present.
/** @param {Reader} reader @param {Fault} fault @param {bigint} address @param {ReadEntry} read @returns {WalkStep[]} */
function walkOf({ machine, windows, recording, header }, fault, address, read) {
  const where = windows[recording.columns.m_window[fault.touch.moment] - 1];
  if (!where?.mm) return [];
  const g = header.geometry;
  const steps = /** @type {WalkStep[]} */ ([]);
  let page = machine.value(where.mm, "pgd");
  for (const [level, shift] of levelsOf(header)) {
    const table = machine.tableOf(page);
    if (!table) break;
    const index = Number((address >> BigInt(shift)) & BigInt(g.entries - 1));
    const entry = read(table, index);
    steps.push({ level, index, entry, page });
    if (level === "PTE" || !(entry.lo & BIT.present) || entry.lo & BIT.leaf) break;
    page = entry.pfn - machine.startPfn;
  }
  return steps;
}

// How entries of tables are read: those of the moment that is shown are at hand.
/** @param {Reader} reader @param {number} at @param {number} shown @returns {ReadEntry} */
function entriesAt({ machine, timeline }, at, shown) {
  if (at === shown) return (table, index) => machine.entry(table, index);
  return (table, index) => {
    const { lo, hi } = timeline.valueAt(table.base + index, at);
    return split(lo, hi, table.base + index);
  };
}

/** @param {Reader} reader @param {Sentence} touch */
function addressOf({ header }, { values }) {
  const { page } = values;
  const from = BigInt(header.focus?.address ?? 0);
  return typeof page === "string"
    ? BigInt(page)
    : from + (BigInt(page) << BigInt(header.geometry.page_shift));
}

// What the PMD entry is; also where no table has it yet.
/** @param {WalkStep[]} walk @returns {FaultState["pmd"]} */
function kindOf([, , pmd]) {
  if (!pmd || pmd.entry.none) return "empty";
  return pmd.entry.lo & BIT.leaf ? "huge" : "table";
}

// The fault of a moment, or the last one before it; null before the first.
export const readFault = once(read);

/** @param {Moment} moment @returns {FaultState | null} */
function read({ reader, step }) {
  const faults = faultsOf(reader);
  const number = faults.findLastIndex(({ touch }) => touch.moment <= step);
  const fault = faults[number];
  if (!fault) return null;
  bounds(reader, fault, (faults[number + 1]?.touch.moment ?? reader.last + 1) - 1);
  const at = Math.min(step, fault.end);
  const address = addressOf(reader, fault.touch);
  const told = fault.places.map((place) => reader.story.read(place)).filter(({ moment }) => moment <= at);
  const entry = entriesAt(reader, at, step);
  const walk = walkOf(reader, fault, address, entry);
  const was = kindOf(walkOf(reader, fault, address, entriesAt(reader, fault.touch.moment, step)));
  const answers = /** @type {Record<string, FaultAnswer>} */ ({ empty: was === "empty" ? "yes" : "no" });
  for (const { kind } of told) Object.assign(answers, ANSWERS[kind]);
  const done = told.some(({ kind }) => DONE.includes(kind));
  const pmd = kindOf(walk);
  return {
    mm: String(fault.touch.values.mm),
    does: String(fault.touch.values.does ?? ""),
    address,
    walk,
    covers: levelsOf(reader.header).map(([, shift]) => 1n << BigInt(shift)),
    pmd,
    was,
    answers,
    outcome: outcomeOf(told, answers, was, pmd),
    done,
    migrated: Number(told.find(({ values }) => values.migrated !== undefined)?.values.migrated ?? 0),
    waited: reader.header.ledger ? paid(reader, fault.from, done ? fault.end + 1 : step) : null, // its own price comes at its end
    mapped: mappedIn(reader, walk, entry),
    entry: Number(
      (address >> BigInt(reader.header.geometry.page_shift)) % BigInt(reader.header.geometry.entries),
    ),
  };
}

// What all tasks paid after one moment and up to another, in nanoseconds.
/** @param {Reader} reader @param {number} first @param {number} last */
function paid({ recording: { columns } }, first, last) {
  let sum = 0;
  for (
    let i = firstAbove(columns.b_moment, first);
    i < columns.b_moment.length && columns.b_moment[i] <= last;
    i++
  )
    sum += columns.b_ns[i];
  return sum;
}

// Where the way leads as far as it is known: "" is nowhere yet.
/** @param {Sentence[]} told @param {Record<string, FaultAnswer>} answers @param {FaultState["was"]} was @param {FaultState["pmd"]} pmd @returns {FaultOutcome} */
function outcomeOf(told, answers, was, pmd) {
  const huge = HUGE[told.find(({ kind }) => kind in HUGE)?.kind ?? ""];
  if (told.some(({ kind }) => STOPPED.includes(kind))) return "stopped";
  if (huge) return huge === "huge" && answers.make === "yes" ? "late" : huge;
  const { empty, block, ...others } = answers; // these have another way than to small pages
  if (was === "table" || Object.values(others).includes("no")) return "small";
  if (!told.some(({ kind }) => DONE.includes(kind))) return "";
  return pmd === "huge" ? "huge" : "small";
}

// Of each entry of the window whether it maps something; none where there is no table of small pages.
/** @param {Reader} reader @param {WalkStep[]} walk @param {ReadEntry} read */
function mappedIn({ machine, header }, [, , , last], read) {
  const table = last && machine.tableOf(last.page);
  return Array.from({ length: header.geometry.entries }, (_, i) => Boolean(table && !read(table, i).none));
}
