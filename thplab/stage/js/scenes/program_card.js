// The program whose window is collapsed, or the task that strikes: what it can do now, and what its processor remembers.

import { duration, lanesOf } from "../data/lane_data.js";
import { ENDS } from "./collapses.js";
import { waiting, wantsWords } from "./locks.js";
import { paragraph, rect, widthOf, words, wrapped } from "./marks.js";
import { taskWords } from "./names.js";

/** @import { CollapseState, Mark, Moment, Strike, WindowState } from "../types.js" */

/** @typedef {{ state: CollapseState, window: WindowState, strike: Strike | null }} Shown */

/** @type {Record<WindowState["state"], [sign: string, does: string, tlb: string]>} */
const BY_PMD = {
  table: ["▶ may run", "reaches its pages through the table", "remembers single pages (TLB)"],
  fenced: [
    "⊘ kept out",
    "runs on, but waits as soon as it touches this window",
    "has forgotten these pages (TLB flushed)",
  ],
  leaf: ["▶ may run", "reaches all of it through one entry", "needs to remember one entry only (TLB)"],
  empty: ["▶ may run", "has nothing mapped here", "remembers no page (TLB)"],
  missing: ["▶ may run", "has nothing mapped here", "remembers no page (TLB)"],
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
    sign: BY_PMD[window.state][0],
    means: BY_PMD[window.state][1],
    cls: "sc-runs",
  };
}

// What all of this is for: so many entries, and addresses that a processor remembers, become one each.
/** @param {CollapseState} state @returns {{ title: string, entries: number, pages: number }} */
function aimOf({ old, done, failed }) {
  const title = failed ? "not reached" : done >= ENDS.length ? "what is won" : "the aim";
  return { title, entries: old.length, pages: old.filter((page) => page >= 0).length };
}

// The same as text.
/** @param {CollapseState} state */
export function aimLine(state) {
  const { title, entries, pages } = aimOf(state);
  const pagesToo = pages > 1 ? `, and one page for a TLB to remember in place of ${pages}` : "";
  return `${title}: one entry in place of ${entries}${pagesToo}`;
}

/** @param {CollapseState} state */
function aimInShort(state) {
  const { title, entries, pages } = aimOf(state);
  return `${title}: ${entries} → 1 entries${pages > 1 ? `, TLB ${pages} → 1` : ""}`;
}

// As two lines from `y` on.
/** @param {CollapseState} state @param {number} x @param {number} y @returns {Mark[]} */
export function aim(state, x, y) {
  const { title, entries, pages } = aimOf(state);
  const from = x + widthOf("what is won", 13.5, 600) + 14;
  const after = from + widthOf("512 → 1", 18, 600) + 12;
  return [
    words("aim-title", x, y, title, "sc-strongtext"),
    words("aim-entries", after - 12, y, `${entries} → 1`, "sc-end sc-big"),
    words("aim-entries-of", after, y, "entries in the page table", "sc-small"),
    ...(pages > 1
      ? [
          words("aim-pages", after - 12, y + 22, `${pages} → 1`, "sc-end sc-big"),
          words("aim-pages-of", after, y + 22, "pages that a TLB has to remember", "sc-small"),
        ]
      : []),
  ];
}

/** @param {Moment} moment @param {Shown} shown @param {number} x @param {number} y @param {number} w @param {number} h @returns {Mark[]} */
export function programCard(moment, { state, window, strike }, x, y, w, h) {
  const { who, sign, means, cls } = stateOf(moment, state, window, strike);
  const room = w - 20;
  const lines = wrapped(means, room);
  const low = y + 78 + lines.length * 19 + 12;
  const changed = strike?.changed.length ?? 0;
  const [about, is] = changed
    ? ["so far it changed", `${changed} of the window's ${state.old.length} entries`]
    : ["its processor", BY_PMD[window.state][2]];
  const said = wrapped(is, room);
  return [
    rect("card", x, y, w, h, `sc-card ${cls}`, 6),
    rect("card-head", x, y, w, 28, `sc-cardhead ${cls}`, 6),
    words("card-who", x + 10, y + 19, who, "sc-strongtext sc-oncard"),
    words("card-sign", x + 10, y + 54, sign, "sc-big"),
    ...paragraph("card-means", x + 10, y + 78, lines),
    words("card-tlb", x + 10, low, about, "sc-strongtext"),
    ...paragraph("card-tlb-is", x + 10, low + 20, said),
  ];
}

// The same as one line, and below it the aim.
/** @param {Moment} moment @param {Shown} shown @param {number} x @param {number} y @param {number} w @returns {Mark[]} */
export function programLine(moment, { state, window, strike }, x, y, w) {
  const { who, sign, means, cls } = stateOf(moment, state, window, strike);
  const changed = strike?.changed.length ? `; ${strike.changed.length} entries changed so far` : "";
  const lines = wrapped(`${who} ${sign}: ${means}${changed}`, w - 16);
  const high = 8 + lines.length * 19;
  return [
    rect("card", x, y, w, high, `sc-card ${cls}`, 5),
    ...paragraph("card-means", x + 8, y + 18, lines),
    ...paragraph("aim", x + 8, y + high + 18, wrapped(aimInShort(state), w - 16, 13), "sc-small", 17),
  ];
}
