// Passes and naps on the virtual clock: the last passes side by side, an arc for each nap between them.

import { path, rect, words } from "./marks.js";

/** @import { Mark, Moment, PassState, Sentence } from "../types.js" */

// A time in seconds, without zeros at its end.
/** @param {number} ns */
export const seconds = (ns) => `${Number((ns / 1e9).toFixed(3))} s`;

/** @typedef {{ begin: Sentence, sleep: Sentence | null, woken: Sentence | null }} Turn a pass and the nap after it */

/** @param {Sentence[]} told @returns {Turn[]} */
function turnsOf(told) {
  const turns = /** @type {Turn[]} */ ([]);
  for (const each of told) {
    const last = turns[turns.length - 1];
    if (each.kind === "pass_begins") turns.push({ begin: each, sleep: null, woken: null });
    else if (!last) continue;
    else if (each.kind === "nap" || each.kind === "no_work") last.sleep = each;
    else if (each.kind.startsWith("woken") && last.sleep) last.woken ??= each;
  }
  return turns;
}

/** @param {Turn} turn */
function napWords({ sleep, woken }) {
  if (sleep?.kind === "no_work") return "no work: sleep";
  return woken?.kind === "woken_early" ? "woken early" : `nap ${sleep?.values.time ?? ""}`;
}

/** @param {Moment} moment @param {PassState} state @param {[x: number, y: number, w: number]} room @returns {Mark[]} */
export function drawClock(moment, state, [x, y, w]) {
  const times = moment.reader.recording.columns.m_time;
  const seats = w < 380 ? 2 : w < 540 ? 3 : 4;
  const wide = w / seats;
  const line = y + 58;
  const turns = turnsOf(state.told).slice(-seats + (state.ended ? 1 : 0));
  const marks = [
    words("clock-title", x, y + 6, "passes and naps", "sc-strongtext"),
    words("clock-now", x + w, y + 6, `clock ${seconds(moment.time)}`, "sc-end"),
    path("clock-line", `M${x} ${line}h${w}`, "sc-axis"),
  ];
  turns.forEach((turn, i) => {
    const at = x + 26 + i * wide;
    const number = turn.begin.values.number;
    const now = turn.begin === state.begin && !turn.sleep;
    marks.push(
      rect(`pass-${number}`, at - 9, line - 9, 18, 18, now ? "sc-turn sc-turning" : "sc-turn", 3),
      words(`pass-n${number}`, at - 26, line + 26, `pass ${number}`, now ? "sc-strongtext" : ""),
      words(
        `pass-t${number}`,
        at - 26,
        line + 43,
        `at ${seconds(times[turn.begin.moment])}`,
        "sc-small sc-quiettext",
      ),
    );
    if (!turn.sleep) return;
    const way = `M${at + 10} ${line - 2}q${wide / 2 - 10} -40 ${wide - 20} 0`;
    marks.push(
      path(`nap-${number}`, way, turn.woken ? "sc-nap" : "sc-nap sc-napping"),
      words(`nap-t${number}`, at + wide / 2, line - 5, napWords(turn), "sc-middle sc-small"),
    );
  });
  if (!turns.length)
    marks.push(words("clock-none", x, line + 26, "no pass has begun in this recording", "sc-quiettext"));
  return marks;
}
