// Passes and naps on the virtual clock: the last passes side by side, an arc for each nap between them.

import { path, rect, words } from "./marks.js";

/** @import { Mark, Moment, PassState, Sentence } from "../types.js" */

// A time in seconds, without zeros at its end.
/** @param {number} ns */
export const seconds = (ns) => `${Number((ns / 1e9).toFixed(3))} s`;

/** @typedef {{ begin: Sentence, from: Sentence, sleep: Sentence | null, woken: Sentence | null }} Turn a pass, or what follows in it after a sleep, and the sleep behind it */

const SLEEPS = ["nap", "no_work", "alloc_nap"];

/** @param {Sentence[]} told @returns {Turn[]} */
function turnsOf(told) {
  const turns = /** @type {Turn[]} */ ([]);
  for (const each of told) {
    const last = turns[turns.length - 1];
    if (each.kind === "pass_begins") turns.push({ begin: each, from: each, sleep: null, woken: null });
    else if (!last) continue;
    else if (SLEEPS.includes(each.kind)) last.sleep = each;
    else if (each.kind.startsWith("woken") && last.sleep) {
      last.woken ??= each;
      // No huge page was available: the pass goes on where it was.
      if (last.sleep.kind === "alloc_nap")
        turns.push({ begin: last.begin, from: each, sleep: null, woken: null });
    }
  }
  return turns;
}

/** @param {Turn} turn */
function napWords({ sleep, woken }) {
  if (sleep?.kind === "no_work") return "no work: sleep";
  if (sleep?.kind === "alloc_nap")
    return `no memory: ${woken?.kind === "woken_early" ? "a task wakes it" : sleep.values.time}`;
  return woken?.kind === "woken_early" ? "another task wakes it" : `nap ${sleep?.values.time ?? ""}`;
}

/** @param {Moment} moment @param {PassState} state @param {[x: number, y: number, w: number]} room @returns {Mark[]} */
export function drawClock(moment, state, [x, y, w]) {
  const times = moment.reader.recording.columns.m_time;
  const seats = w < 380 ? 2 : w < 540 ? 3 : 4;
  const wide = w / seats;
  const line = y + 58;
  const all = turnsOf(state.told);
  const turns = all.slice(-seats + (all[all.length - 1]?.sleep ? 1 : 0)); // its arc needs a seat
  const firstIs = all.length - turns.length;
  const marks = [
    words("clock-title", x, y + 6, "passes and naps", "sc-strongtext"),
    words("clock-now", x + w, y + 6, `clock ${seconds(moment.time)}`, "sc-end"),
    path("clock-line", `M${x} ${line}h${w}`, "sc-axis"),
  ];
  turns.forEach((turn, i) => {
    const at = x + 26 + i * wide;
    const number = firstIs + i; // of the turn
    const pass =
      turn.from === turn.begin
        ? `pass ${turn.begin.values.number}`
        : `pass ${turn.begin.values.number}, continued`;
    const now = number === all.length - 1 && !turn.sleep;
    marks.push(
      rect(`pass-${number}`, at - 9, line - 9, 18, 18, now ? "sc-turn sc-turning" : "sc-turn", 3),
      words(`pass-n${number}`, at - 26, line + 26, pass, now ? "sc-strongtext" : ""),
      words(
        `pass-t${number}`,
        at - 26,
        line + 43,
        `at ${seconds(times[turn.from.moment])}`,
        "sc-small sc-quiettext",
      ),
    );
    if (!turn.sleep) return;
    const way = `M${at + 10} ${line - 2}q${wide / 2 - 10} -40 ${wide - 20} 0`;
    marks.push(
      path(`nap-${number}`, way, turn.woken ? "sc-nap" : "sc-nap sc-napping"),
      words(`nap-t${number}`, at + wide / 2, line - 27, napWords(turn), "sc-middle sc-small"),
    );
  });
  if (!turns.length)
    marks.push(words("clock-none", x, line + 26, "no pass has begun in this recording", "sc-quiettext"));
  return marks;
}
