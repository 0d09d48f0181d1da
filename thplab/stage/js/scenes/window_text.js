// A scan as text: the numbers of its picture. thplab/reading/scenes/window.py says the same.

import { QUESTIONS, STATES } from "../data/questions.js";
import { answersOf } from "./scans.js";
import { GAUGES, numbersOf } from "./window_gauges.js";

/** @import { ScanState } from "../types.js" */

// After the verdict no entry is read any more.
/** @param {ScanState} scan */
export const unreadWords = ({ verdict }) => (verdict ? "never read" : "not read yet");

/** @param {ScanState} scan */
export function countLine(scan) {
  const counts = GAUGES.map(({ name, words, limit }) => {
    const { count, most } = numbersOf(scan, name, limit);
    const rule = scan.bound ? `at ${limit ? "most" : "least"} ${most}` : limit ? "no limit" : "not asked";
    return `${count} ${words} (${rule})`;
  });
  return `${scan.read} of ${scan.begin.entries} entries read: ${counts.join(", ")}`;
}

/** @param {ScanState} scan @returns {string[]} */
export function entryLine(scan) {
  const { current, open, asks, states, veto } = scan;
  if (current < 0 || !states) return [];
  if (open) return [`entry ${current} is in hand`];
  const state = states[current];
  const answers = answersOf(asks, state, veto);
  const said = asks.map((key, i) => `${QUESTIONS[key].words} ${answers[i]}`);
  return [`entry ${current}, ${STATES[state].words}: ${said.join("; ")}`];
}

/** @param {ScanState} scan */
export function decisionLine({ verdict, veto, done }) {
  if (!verdict) return "no veto so far";
  if (done) return `accepted, and the collapse ended with '${done.values.result}'`;
  if (!veto) return "accepted";
  return veto === "table" ? "no table to read" : `refused at: ${QUESTIONS[veto].words}`;
}
