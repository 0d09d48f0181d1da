// A visit to a process: its address space in rows of mappings, cut into windows, and what each has cost.

import { nearest, visited } from "../data/visits.js";
import { budgetBar, budgetWords } from "./budget.js";
import { path, words, wrapped } from "./marks.js";
import { sizeWords } from "./names.js";
import { limitWords, readList, readPass } from "./passes.js";
import { windowSays } from "./process_boxes.js";
import { layout, plan } from "./process_plan.js";
import { drawRow, rowName } from "./process_row.js";
import { cursorIn, rowsOf, spaceOf, wordsOf } from "./process_rows.js";
import { scansOf } from "./scans.js";

/** @import { Mark, Moment, ObjectInfo, PassState, SceneModule, ScenePart, SpaceRow, Thing } from "../types.js" */
/** @typedef {import("./process_plan.js").Layout} Layout */

const PARTS = 8;

// The row that the sentence is about, else that of the cursor; -1: none.
/** @param {Moment} moment @param {SpaceRow[]} rows @param {bigint} cursor */
function rowAt({ told, step }, rows, cursor) {
  const { address, window } = told?.moment === step ? told.values : {};
  const named = rows.findIndex(
    (row) =>
      (address !== undefined && row.over?.values.address === address) ||
      (window !== undefined && row.windows.some(({ name }) => name === window)),
  );
  return named >= 0
    ? named
    : rows.findIndex((row) => row.count > 0 && cursor >= row.first && cursor <= row.last);
}

// What the signs mean, where there is room for it.
/** @param {Moment} moment @param {number} foot the end of the last row @param {Layout} places @param {number} width @param {boolean} narrow @param {string} chosen @returns {Mark[]} */
function key(moment, foot, { bar }, width, narrow, chosen) {
  const { entries, page_shift } = moment.reader.header.geometry;
  const size = sizeWords(BigInt(entries) << BigInt(page_shift));
  const thing = chosen ? things(moment).find((each) => each.key === chosen) : null;
  if (thing)
    return [
      words(
        "key-0",
        6,
        bar - (narrow ? 36 : 26),
        `chosen: ${thing.words}; Enter goes there`,
        "sc-small sc-strongtext",
      ),
    ];
  const said = [
    `a box: a window of ${size}`,
    `dots: its ${entries} pages in order, full where they are there`,
    "underlined: not read",
    "▼ where khugepaged goes on",
  ];
  const lines = narrow ? said.flatMap((each) => wrapped(each, width - 16, 13)) : [said.join(" · ")];
  const top = bar - (narrow ? 36 : 26) - (lines.length - 1) * 17;
  if (top - 14 < foot) return [];
  return lines.map((line, i) => words(`key-${i}`, 6, top + i * 17, line, "sc-small sc-quiettext"));
}

/** @param {Moment} moment @param {PassState} state @param {number} width @param {boolean} narrow @param {Layout} places @returns {Mark[]} */
function drawBar(moment, state, width, narrow, { bar, barX, barW }) {
  const [spent, left] = budgetWords(state);
  const limit = state.begin ? `limit ${limitWords(state.budget)}` : "";
  const quiet = "sc-small sc-quiettext";
  const sides = narrow
    ? [
        words("bar-title", barX, bar - 12, "this pass", "sc-strongtext"),
        words("bar-limit", width - 8, bar - 12, limit, `sc-end ${quiet}`),
        words("bar-spent", barX, bar + 80, spent, "sc-big"),
        words("bar-left", width - 8, bar + 80, left, `sc-end ${quiet}`),
      ]
    : [
        words("bar-title", 6, bar + 20, "this pass", "sc-strongtext"),
        words("bar-limit", 6, bar + 38, limit, quiet),
        words("bar-spent", width - 6, bar + 20, spent, "sc-end sc-big"),
        words("bar-left", width - 6, bar + 40, left, `sc-end ${quiet}`),
      ];
  const { entries } = moment.reader.header.geometry;
  return [
    path("bar-rule", `M0 ${bar - (narrow ? 30 : 16)}h${width}`, "sc-rule"),
    ...sides,
    ...budgetBar(state, entries, [barX, bar, barW]),
  ];
}

/** @param {Moment} moment @param {ObjectInfo} mm @param {number} width @param {boolean} narrow @param {string} chosen @returns {Mark[]} */
function drawSpace(moment, mm, width, narrow, chosen) {
  const places = layout(width, narrow);
  const rows = rowsOf(moment);
  const cursor = cursorIn(moment, mm);
  const at = rowAt(moment, rows, cursor);
  const { from, shown } = plan(rows, at, places);
  const name = moment.reader.machine.value(mm, "name");
  const some =
    rows.length > shown.length ? `, rows ${from + 1} to ${from + shown.length} of ${rows.length}` : "";
  const title = narrow
    ? `memory of process ${name}${some}`
    : `address space of process ${name}, low to high${some}`;
  const marks = [
    words("space-title", 6, 14, title, "sc-strongtext"),
    words("space-units", width - 6, 14, narrow ? "units" : "units, this pass", "sc-end sc-strongtext"),
  ];
  for (const [i, place] of shown.entries())
    marks.push(...drawRow(moment, place, places, { here: from + i === at, cursor, width, narrow, chosen }));
  const last = shown[shown.length - 1];
  if (last) marks.push(...key(moment, last.y + last.high, places, width, narrow, chosen));
  else marks.push(words("space-none", width / 2, 120, `${name} has no mapping`, "sc-middle sc-big"));
  return [...marks, ...drawBar(moment, readPass(moment), width, narrow, places)];
}

/** @type {SceneModule} */
export const processScene = {
  height: ({ width, narrow }) => layout(width, narrow).height,
  marks(moment, { width, narrow, chosen }) {
    const mm = spaceOf(moment);
    if (!mm) return [words("none", width / 2, 120, gone(moment), "sc-middle sc-big")];
    return drawSpace(moment, mm, width, narrow, chosen);
  },
  lines(moment) {
    const name = visited(moment);
    if (!name) return [];
    const mine = readPass(moment).blocks.filter((block) => block.mm === name);
    const windows = mine.filter(({ what }) => what === "window");
    const huge = windows.filter((block) => block.huge).length;
    const units = mine.reduce((sum, { cost }) => sum + cost, 0);
    const over = mine.filter(({ what }) => what === "vma").reduce((sum, { cost }) => sum + cost, 0);
    const results = `${huge} windows collapsed, ${windows.length - huge} refused, ${over} mappings passed over`;
    return [`process ${name}: ${cursorWords(moment, name)}`, `in this pass ${units} units: ${results}`];
  },
  parts,
  things,
};

// The windows of the address space; into one the run goes when it looks for its table.
/** @param {Moment} moment @returns {Thing[]} */
function things(moment) {
  const mm = spaceOf(moment);
  if (!mm) return [];
  const name = String(moment.reader.machine.value(mm, "name"));
  const cursor = cursorIn(moment, mm);
  const { entries, page_shift } = moment.reader.header.geometry;
  const size = BigInt(entries) << BigInt(page_shift);
  return rowsOf(moment).flatMap(({ windows }) =>
    windows.map((window) => ({
      key: window.name,
      words: `${window.name}: ${windowSays(window)}`,
      here: cursor >= window.address && cursor < window.address + size,
      enters: () =>
        nearest(
          scansOf(moment.reader).map(({ begin }) => begin),
          moment.step,
          ({ values }) => values.mm === name && values.window === window.name,
        ),
    })),
  );
}

/** @param {Moment} moment */
const gone = (moment) =>
  visited(moment) ? `Process ${visited(moment)} has exited.` : "There is no process yet.";

/** @param {Moment} moment @param {string} name */
function cursorWords(moment, name) {
  const { cursor, address } = readList(moment);
  if (cursor !== name) return "the cursor is elsewhere";
  return address ? `the cursor is at ${wordsOf(moment, address)}` : "the cursor is at its beginning";
}

// The rows of the address space: those before the one that matters are done.
/** @param {Moment} moment @returns {ScenePart[]} */
function parts(moment) {
  const mm = spaceOf(moment);
  if (!mm) return [];
  const rows = rowsOf(moment);
  const at = rowAt(moment, rows, cursorIn(moment, mm));
  const from = Math.max(0, Math.min(at - PARTS / 2, rows.length - PARTS));
  return rows.slice(from, from + PARTS).map((row, i) => ({
    name: rowName(row),
    state: from + i === at ? "now" : from + i < at ? "done" : "later",
  }));
}
