// What is between the old frames and the new block: the PMD entry, the old table, and the number that counts now.

import { GOES_BACK } from "./collapses.js";
import { path, rect, widthOf, words } from "./marks.js";

/** @import { CollapseState, Mark, Strike, WindowState } from "../types.js" */

export const WIDTH = 146;

/** @type {Record<WindowState["state"], [is: string, means: string]>} */
const PMD = {
  table: ["a table", "leads to small pages"],
  fenced: ["cleared", "leads nowhere now"],
  leaf: ["one huge page", "leads to the block"],
  empty: ["empty", "nothing is mapped"],
  missing: ["not there", "no table has it"],
};

// `locked`, `freed`: so many of the old frames are.
/** @param {CollapseState} state @param {number} locked @param {number} freed @returns {[number: string, of: string, what: string]} */
function score(state, locked, freed) {
  const entries = state.old.length;
  const pages = state.old.filter((page) => page >= 0).length;
  const holes = state.old.slice(0, state.copied).filter((page) => page < 0).length;
  if (state.failed)
    return ["✗", "no huge page", putBack(state) ? "all is put back" : "the collapse is given up"];
  if (state.done >= 7) return ["1", "entry leads to all", `in place of ${entries}`];
  if (state.done >= 5) return [String(freed), `of ${pages} freed`, "the copies stay"];
  if (state.done >= 4 && state.copied)
    return [
      String(state.copied),
      `of ${entries} filled`,
      holes ? `${holes} with zeros` : "old ones still there",
    ];
  if (state.done >= 3) return [String(locked), `of ${pages} locked`, "none is freed"];
  return [String(pages), "small pages", entries > pages ? `and ${entries - pages} holes` : "no holes"];
}

/** @param {CollapseState} state */
const putBack = ({ told }) => told.some(({ kind }) => kind === GOES_BACK);

// While another task acts: what it has done to the window.
/** @param {Strike} strike @returns {[number: string, of: string, what: string]} */
function struck({ changed, who }) {
  const count = changed.length;
  return [String(count), count === 1 ? "entry changed" : "entries changed", `by ${who}`];
}

// After the collapse the old table is kept, so that a later split needs no memory.
/** @param {number} entries @param {WindowState["state"]} pmd */
function tableWords(entries, pmd) {
  if (pmd === "leaf") return "old table, kept";
  return `${entries} entries${pmd === "table" ? "" : ", cut off"}`;
}

/** @param {CollapseState} state @param {WindowState} window @param {Strike | null} strike @param {number} locked @param {number} freed @param {number} x @param {number} y @returns {Mark[]} */
export function middle(state, window, strike, locked, freed, x, y) {
  const [is, means] = PMD[window.state];
  const centre = x + WIDTH / 2;
  const cut = window.state !== "table";
  const tick = `M${centre} ${y + 46}v6M${centre} ${y + 60}v6M${centre - 9} ${y + 60}l18 -7`;
  const [number, of, what] = strike ? struck(strike) : score(state, locked, freed);
  return [
    words(
      "pmd-title",
      centre,
      y - 10,
      `PMD entry ${window.walk[2]?.index ?? "?"}`,
      "sc-middle sc-strongtext",
    ),
    rect("pmd", x, y, WIDTH, 46, `sc-box sc-pmd-${window.state}`, 5),
    words("pmd-is", centre, y + 20, is, "sc-middle sc-strongtext"),
    words("pmd-means", centre, y + 38, means, "sc-middle sc-small"),
    path("pmd-line", cut ? tick : `M${centre} ${y + 46}v20`, cut ? "sc-cut" : "sc-line"),
    rect("table", x, y + 66, WIDTH, 30, cut ? "sc-box sc-cutoff" : "sc-box", 5),
    words("table-is", centre, y + 86, tableWords(state.old.length, window.state), "sc-middle sc-small"),
    words("score", centre, y + 148, number, "sc-middle sc-huge"),
    words("score-of", centre, y + 170, of, "sc-middle"),
    words("score-what", centre, y + 190, what, "sc-middle sc-quiettext"),
  ];
}

// The same as one line.
/** @param {CollapseState} state @param {WindowState} window @param {Strike | null} strike @param {number} locked @param {number} freed @param {number} x @param {number} y @param {number} w @returns {Mark[]} */
export function strip(state, window, strike, locked, freed, x, y, w) {
  const [is] = PMD[window.state];
  const said = (strike ? struck(strike) : score(state, locked, freed)).slice(0, 2).join(" ");
  const size = widthOf(said, 18, 600) < w * 0.52 ? "sc-big" : "sc-strongtext";
  return [
    rect("pmd", x, y, w * 0.46, 34, `sc-box sc-pmd-${window.state}`, 5),
    words("pmd-is", x + w * 0.23, y + 22, `PMD: ${is.replace("one ", "")}`, "sc-middle sc-strongtext"),
    words("score", x + w, y + 24, said, `sc-end ${size}`),
  ];
}
