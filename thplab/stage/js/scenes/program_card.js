// The program whose window is collapsed, or the task that strikes: what it can do now, and what its processor remembers.

import { duration, lanesOf } from "../data/lane_data.js";
import { waiting, wantsWords } from "./locks.js";
import { paragraph, rect, words, wrapped } from "./marks.js";
import { taskWords } from "./names.js";

/** @import { CollapseState, Mark, Moment, Strike, WindowState } from "../types.js" */

/** @type {Record<WindowState["state"], [does: string, tlb: string]>} */
const BY_PMD = {
  table: ["reaches its pages through the table", "remembers single pages (TLB)"],
  fenced: ["must wait if it touches this window", "remembers no page (TLB flushed)"],
  leaf: ["reaches all of it through one entry", "needs to remember one entry only (TLB)"],
  empty: ["has nothing mapped here", "remembers no page (TLB)"],
  missing: ["has nothing mapped here", "remembers no page (TLB)"],
};

// What happened, without the reason.
/** @param {string} sentence */
const firstClause = (sentence) => sentence.split(/,? (?:because|so|but) |: |, /)[0].replace(/\.$/, "");

// Its state as [sign and word, what that means].
/** @param {Moment} moment @param {CollapseState} state @param {WindowState} window @param {Strike | null} strike */
function stateOf(moment, state, window, strike) {
  const waits = waiting(moment);
  if (waits) {
    const lanes = lanesOf(moment.reader);
    const { m_time: time } = moment.reader.recording.columns;
    const since = lanes.timed ? `, for ${duration(time[moment.step] - time[waits.first])} so far` : "";
    return {
      who: taskWords(moment.reader, waits.who),
      sign: "❚❚ waits",
      means: `${wantsWords(moment, waits)}${since}`,
      cls: "sc-waits",
    };
  }
  if (strike)
    return {
      who: strike.who,
      sign: "⚡ acts now",
      means: firstClause(strike.what || moment.sentence).replace(/^Process \S+ /, ""), // who it is says the card
      cls: "sc-strikes",
    };
  return {
    who: `process ${state.begin.mm}`,
    sign: "▶ may run",
    means: BY_PMD[window.state][0],
    cls: "sc-runs",
  };
}

/** @param {Moment} moment @param {CollapseState} state @param {WindowState} window @param {Strike | null} strike @param {number} x @param {number} y @param {number} w @param {number} h @returns {Mark[]} */
export function programCard(moment, state, window, strike, x, y, w, h) {
  const { who, sign, means, cls } = stateOf(moment, state, window, strike);
  const room = w - 20;
  const lines = wrapped(means, room);
  const low = y + 78 + lines.length * 19 + 12;
  const changed = strike?.changed.length ?? 0;
  const more = changed
    ? ["so far it changed", `${changed} of the window's ${state.old.length} entries`]
    : ["its processor", BY_PMD[window.state][1]];
  return [
    rect("card", x, y, w, h, `sc-card ${cls}`, 6),
    rect("card-head", x, y, w, 28, `sc-cardhead ${cls}`, 6),
    words("card-who", x + 10, y + 19, who, "sc-strongtext sc-oncard"),
    words("card-sign", x + 10, y + 54, sign, "sc-big"),
    ...paragraph("card-means", x + 10, y + 78, lines),
    words("card-tlb", x + 10, low, more[0], "sc-strongtext"),
    ...paragraph("card-tlb-is", x + 10, low + 20, wrapped(more[1], room)),
  ];
}

// The same as one line.
/** @param {Moment} moment @param {CollapseState} state @param {WindowState} window @param {Strike | null} strike @param {number} x @param {number} y @param {number} w @returns {Mark[]} */
export function programLine(moment, state, window, strike, x, y, w) {
  const { who, sign, means, cls } = stateOf(moment, state, window, strike);
  const changed = strike?.changed.length ? `; ${strike.changed.length} entries changed so far` : "";
  const lines = wrapped(`${who} ${sign}: ${means}${changed}`, w - 16);
  return [
    rect("card", x, y, w, 8 + lines.length * 19, `sc-card ${cls}`, 5),
    ...paragraph("card-means", x + 8, y + 18, lines),
  ];
}
