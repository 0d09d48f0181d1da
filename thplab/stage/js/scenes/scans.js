// The scans of a recording, read from what is told: which window, how far, and what was decided.
// thplab/reading/scenes/window.py reads the same.

import { once } from "../data/moment.js";
import { STATES } from "../data/questions.js";

/** @import { Answer, Moment, Reader, Scan, ScanState, Sentence, Values } from "../types.js" */

const BEGINS = "looks";
const made = new WeakMap();

/** @param {Reader} reader @returns {Scan[]} */
export function scansOf(reader) {
  if (!made.has(reader)) made.set(reader, findScans(reader));
  return made.get(reader);
}

/** @param {Reader} reader */
function findScans({ story }) {
  const scans = /** @type {Scan[]} */ ([]);
  for (let place = 0; place < story.length; place++) {
    const kind = story.kindOf(place);
    if (kind === BEGINS) {
      scans.push({ begin: story.read(place), reads: null, verdict: null, done: null, states: [] });
      continue;
    }
    const scan = scans[scans.length - 1];
    if (!scan || story.rankOf(place) === 1) continue;
    if (kind === "scan_done") scan.done ??= story.read(place);
    else if (!scan.verdict) readKind(scan, story.read(place));
  }
  return scans;
}

/** @param {Scan} scan @param {Sentence} told */
function readKind(scan, told) {
  if (told.kind === "reads") {
    scan.reads = told;
    scan.states = unpacked(String(told.values.states));
  } else if (told.kind.startsWith("accepted") || told.values.question) scan.verdict = told;
}

// "100u412e" as one letter for each entry.
/** @param {string} runs */
const unpacked = (runs) =>
  [...runs.matchAll(/(\d+)(\w)/g)].flatMap(([, many, letter]) => Array(Number(many)).fill(letter));

// The scan that a moment is about: the last one that has begun, if it is of the moment's window; else null.
export const readScan = once(read);

/** @param {Moment} moment @returns {ScanState | null} */
function read(moment) {
  const { reader, step } = moment;
  const { m_window } = reader.recording.columns;
  const scan = scansOf(reader).findLast(({ begin }) => begin.moment <= step);
  if (!scan || m_window[scan.begin.moment] !== m_window[step]) return null;
  /** @param {Sentence | null} told */
  const now = (told) => (told && told.moment <= step ? told : null);
  const verdict = now(scan.verdict);
  const last = verdict ?? lastEntry(moment, scan);
  const { values } = last ?? scan.begin;
  const begin = scan.begin.values;
  return {
    begin,
    asks: String(begin.asks).split(" "),
    asksLast: String(begin.asks_last).split(" ").filter(Boolean),
    bound: Boolean(begin.bound),
    states: now(scan.reads) ? scan.states : null,
    verdict,
    veto: String(verdict?.values.question ?? ""),
    done: now(scan.done),
    counts: values,
    need: Number(values.need ?? begin.need),
    ...howFar(moment, begin, last, verdict),
  };
}

// The moment at which the scan of this moment tells of an entry; -1: it is not told.
/** @param {Moment} moment @param {number} entry */
export function momentOfEntry({ reader, step }, entry) {
  const { story } = reader;
  const begin = scansOf(reader).findLast((scan) => scan.begin.moment <= step)?.begin;
  for (let place = (begin?.place ?? story.length) + 1; place < story.length; place++) {
    const kind = story.kindOf(place);
    if (kind === BEGINS) break;
    if (!kind.startsWith("entry_") && !kind.startsWith("exceed_")) continue;
    const told = story.read(place);
    if (told.values.entry === entry) return told.moment;
  }
  return -1;
}

// The last entry that was told of, if none has decided yet.
/** @param {Moment} moment @param {Scan} scan @returns {Sentence | null} */
function lastEntry({ reader, told }, scan) {
  for (let place = told?.place ?? 0; place > scan.begin.place; place--) {
    if (reader.story.kindOf(place).startsWith("entry_")) return reader.story.read(place);
  }
  return null;
}

// How many entries are read, which one is in hand (-1: none), and whether the answers to it are still open.
/** @param {Moment} moment @param {Values} begin @param {Sentence | null} last @param {Sentence | null} verdict */
function howFar(moment, begin, last, verdict) {
  const entries = Number(begin.entries);
  const asksLast = String(begin.asks_last).split(" ");
  const question = String(verdict?.values.question ?? "");
  if (question === "table") return { read: 0, current: -1, open: false };
  if (verdict && (!question || asksLast.includes(question)))
    return { read: entries, current: -1, open: false };
  const told = last ? Number(last.values.entry) : -1;
  const cursor = verdict ? -1 : moment.cursor;
  return { read: told + 1, current: Math.max(told, cursor), open: cursor > told };
}

// What an entry has answered, question by question; `veto` is the question that ended the scan, if it was this entry.
/** @param {string[]} asks @param {string} letter @param {string} veto @returns {Answer[]} */
export function answersOf(asks, letter, veto) {
  const state = STATES[letter];
  let left = false;
  return asks.map((key) => {
    if (key === veto) {
      left = true;
      return "no";
    }
    if (left) return "unasked";
    if (key === state.leaves) {
      left = true;
      return "counted";
    }
    if (key === "unshared" && state.words === STATES.h.words) return "counted";
    if (key === "used") return letter === "u" || letter === "H" ? "counts" : "without";
    return "yes";
  });
}
