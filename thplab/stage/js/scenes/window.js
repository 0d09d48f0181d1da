// The window: its entries in address order, the questions to the one in hand, and four counts with their limits.

import { STATES } from "../data/questions.js";
import { rect, words } from "./marks.js";
import { momentOfEntry, readScan } from "./scans.js";
import { card, cardHeight } from "./window_card.js";
import { GAUGES, gaugeOf, shortGauge } from "./window_gauges.js";
import { entriesOf, entryAt, gridHeight, gridOf, legend } from "./window_grid.js";
import { countLine, decisionLine, entryLine, unreadWords } from "./window_text.js";
import { decided } from "./window_verdict.js";

/** @import { Look, Mark, Moment, ScanState, SceneModule, ScenePart } from "../types.js" */

const PARTS = ["1 find the table", "2 read the entries", "3 decide"];

/** @param {Moment} moment */
const pmdOf = (moment) => moment.window?.state ?? "missing";

// In place of the entries, where there is no table.
/** @param {Moment} moment @param {ScanState} scan @param {number} x @param {number} y @param {number} w @param {number} h @returns {Mark[]} */
function noTable(moment, scan, x, y, w, h) {
  const pmd = pmdOf(moment);
  const [big, small] =
    pmd === "leaf"
      ? ["one huge page", "the PMD entry is a leaf: no table hangs below it"]
      : pmd === "table"
        ? ["a table of small pages?", `the PMD entry says where its ${scan.begin.entries} entries are`]
        : ["nothing is mapped here", "the PMD entry is empty: no table hangs below it"];
  return [
    rect("no-table", x + 3, y + 3, w - 6, h - 6, pmd === "leaf" ? "sc-w-leaf" : "sc-ghost", 5),
    words("no-table-big", x + w / 2, y + h / 2 - 2, big, "sc-middle sc-big"),
    words("no-table-small", x + w / 2, y + h / 2 + 20, small, "sc-middle sc-small"),
  ];
}

// How many of the entries are read; the others were not asked.
/** @param {ScanState} scan */
function readWords({ begin, read, veto }) {
  const all = Number(begin.entries);
  if (read >= all) return `all ${all} entries are read`;
  return `entries: ${read} read, ${all - read} ${veto ? "never" : "not yet"}`;
}

// The entry that the reader has chosen, if it is another than the one in hand; -1: none.
/** @param {Moment} moment @param {ScanState} scan @param {Look} look */
function chosenIn(moment, scan, { entry }) {
  const follows = entry === moment.cursor || entry === scan.current;
  return follows || !scan.states || pmdOf(moment) === "leaf" ? -1 : entry;
}

// How wide the entries may be, and where they are.
/** @param {Look} look */
const roomOf = ({ width, narrow }) => (narrow ? width - 8 : Math.max(486, Math.round(width * 0.53)));
/** @param {Look} look @param {ScanState} scan */
const gridIn = (look, { begin }) => gridOf(4, 26, roomOf(look), Number(begin.entries));

/** @param {Moment} moment @param {ScanState} scan @param {Look} look @param {number} w @param {number} high @returns {Mark[]} */
function entriesAndTitle(moment, scan, look, w, high) {
  const grid = gridIn(look, scan);
  const here = scan.states && pmdOf(moment) !== "leaf";
  return [
    words("entries", grid.x - 4, 13, here ? readWords(scan) : String(scan.begin.window), "sc-strongtext"),
    words(
      "painted-count",
      4 + w,
      13,
      look.painted.size ? `${look.painted.size} painted` : "",
      "sc-end sc-small sc-quiettext",
    ),
    ...(here
      ? entriesOf(grid, scan, chosenIn(moment, scan, look), look.painted)
      : noTable(moment, scan, 4, 22, w, high)),
  ];
}

/** @param {Moment} moment @param {ScanState} scan @param {Look} look */
function entryInCard(moment, scan, look) {
  const chosen = chosenIn(moment, scan, look);
  return chosen >= 0 ? chosen : scan.current;
}

/** @param {Moment} moment @param {ScanState} scan @param {Look} look @returns {Mark[]} */
function wide(moment, scan, look) {
  const leftW = roomOf(look);
  const x = leftW + 28;
  const w = look.width - x - 4;
  const h = cardHeight(scan, false);
  return [
    ...entriesAndTitle(moment, scan, look, leftW, 230),
    ...card(scan, entryInCard(moment, scan, look), 4, 373 - h, leftW, false),
    words("counts", x, 13, `counted in the ${scan.read} entries read`, "sc-strongtext"),
    words("counts-key", x + w, 13, "thick line: the limit", "sc-end sc-small sc-quiettext"),
    ...GAUGES.flatMap((gauge, i) => gaugeOf(scan, gauge, x, 30 + i * 49, w)),
    ...legend(scan, x, 236, w),
    ...decided(scan, pmdOf(moment), x, 295, w, 78),
  ];
}

// On a phone all stands below each other.
/** @param {Moment} moment @param {ScanState} scan @param {Look} look @returns {Mark[]} */
function tall(moment, scan, look) {
  const w = roomOf(look);
  const grid = gridIn(look, scan);
  const high = Math.max(44, gridHeight(grid));
  const below = 34 + high;
  const entry = entryInCard(moment, scan, look);
  const gauges = below + 44 + cardHeight(scan, true);
  return [
    ...entriesAndTitle(moment, scan, look, w, high),
    ...legend(scan, 4, below, w, 108),
    ...card(scan, entry, 4, below + 40, w, true),
    ...GAUGES.flatMap((gauge, i) => shortGauge(scan, gauge, 4, gauges + i * 22, w)),
    ...decided(scan, pmdOf(moment), 4, gauges + 4 * 22 + 5, w, 66),
  ];
}

// What is done of a scan, in the order of its parts: with the verdict it is decided, whether or not all was read.
/** @param {ScanState} scan @returns {ScenePart["state"][]} */
function statesOf({ states, verdict, veto }) {
  if (!states) return verdict ? ["failed", "later", "later"] : ["now", "later", "later"];
  if (!verdict) return ["done", "now", "later"];
  return ["done", "done", veto ? "failed" : "ended"];
}

/** @type {SceneModule} */
export const windowScene = {
  partsAreKnown: true,
  // Entries of a wide column are larger, and so is their grid.
  height: ({ narrow, width }) => (narrow ? (width > 480 ? 598 : 570) : 376),
  marks(moment, look) {
    const scan = readScan(moment);
    if (!scan)
      return [words("none", look.width / 2, 120, "This window has not been read yet.", "sc-middle sc-big")];
    return look.narrow ? tall(moment, scan, look) : wide(moment, scan, look);
  },
  entryAt(moment, look, x, y) {
    const scan = readScan(moment);
    return scan?.states && pmdOf(moment) !== "leaf" ? entryAt(gridIn(look, scan), x, y) : -1;
  },
  saysEntry(moment, entry) {
    const scan = readScan(moment);
    if (!scan) return "";
    const known = scan.states && entry < scan.read;
    return `entry ${entry}: ${known ? STATES[scan.states?.[entry] ?? ""].words : unreadWords(scan)}`;
  },
  entersEntry: momentOfEntry,
  lines(moment) {
    const scan = readScan(moment);
    return scan ? [countLine(scan), ...entryLine(scan), decisionLine(scan)] : [];
  },
  parts(moment) {
    const scan = readScan(moment);
    const states = scan ? statesOf(scan) : [];
    return PARTS.map((name, i) => ({ name, state: states[i] ?? "later" }));
  },
};
