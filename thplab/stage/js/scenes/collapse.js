// The collapse: old frames on the left, the new block on the right, the PMD entry between them.

import { readWindow } from "../data/entries.js";
import { legend, newItems, oldItems } from "./collapse_legend.js";
import { middle, strip, WIDTH } from "./collapse_middle.js";
import { PHASES, readCollapse } from "./collapses.js";
import { chosenEntry, flight, gridOf, newBlock, oldFrames, placesOf, ways } from "./frames.js";
import { freeLine } from "./free_line.js";
import { lockBar } from "./locks.js";
import { rect, squares, words } from "./marks.js";
import { aim, aimLine, programCard, programLine } from "./program_card.js";
import { strikeAt } from "./strikes.js";

/** @import { CollapseState, Look, Mark, Moment, SceneModule } from "../types.js" */
/** @import { Box } from "./collapse_legend.js" */
/** @typedef {NonNullable<ReturnType<typeof read>>} Shown */

const HEIGHT = 376;
const TALL = 628;
const TOP = 72; // of the frames
const GAP = 14;
const CARD = 146; // its width at least

// The window that is collapsed, as it is now.
/** @param {Moment} moment @param {CollapseState} state */
function windowOf({ reader, step }, state) {
  const begin = state.told[0].moment;
  return readWindow(
    reader.machine,
    reader.windows[reader.recording.columns.m_window[begin] - 1] ?? reader.windows[step],
  );
}

// Everything that both layouts draw.
/** @param {Moment} moment @param {Look} look */
function read(moment, { width, narrow, entry }) {
  const state = readCollapse(moment);
  if (!state) return null;
  const { machine } = moment.reader;
  const room = narrow ? Math.min(width - 8, 330) : (width - WIDTH - CARD - 3 * GAP - 16) / 2;
  const grid = gridOf(state.old.length, room);
  const most = Math.floor((narrow ? 180 : HEIGHT - TOP - 98) / grid.cell);
  const where = placesOf(state.old, grid, most, machine.frames);
  const mine = state.old.filter((page) => page >= 0);
  const freed = mine.filter((page) => machine.isFree(page)).length;
  const locked = mine.filter((page) => !machine.isFree(page) && machine.isLocked(page)).length;
  return {
    state,
    grid,
    where,
    locked,
    freed,
    chosen: entry === moment.window?.cursor ? -1 : entry,
    window: windowOf(moment, state),
    strike: strikeAt(moment, state),
  };
}

// Where the parts are that both layouts have; `legends`: room for what the squares mean.
/** @typedef {{ old: [number, number], next: [number, number], above: number, legends: [Box, Box] }} Places */

// Marks what another task has just changed.
/** @param {Shown} shown @param {Places} places @returns {Mark[]} */
function changes({ state, where, grid, strike }, { old: [x, y] }) {
  const changed = (strike?.changed ?? []).flatMap((entry) => {
    const place = where.places.get(state.old[entry]);
    return place ? [/** @type {[number, number]} */ ([x + place[0], y + place[1]])] : [];
  });
  return changed.length ? [squares("changed", changed, grid.cell - 2, "sc-changed")] : [];
}

// The page that is at work, or for which all goes back. What flies has its own mark.
/** @param {Shown} shown @param {Places} places @returns {Mark[]} */
function pageOfNow({ state: { old, culprit, now, flies }, where, grid }, places) {
  const place = where.places.get(old[culprit < 0 ? now : culprit] ?? -1);
  if (!place || flies.includes(now)) return [];
  const [x, y] = [places.old[0] + place[0] - 4, places.old[1] + place[1] - 4];
  return [rect("page-now", x, y, grid.cell + 6, grid.cell + 6, culprit < 0 ? "sc-here" : "sc-refused", 4)];
}

/** @param {CollapseState} state */
function newTitle({ old, block, failed }) {
  if (failed) return block < 0 ? "no new block" : "the new block is given up";
  return block < 0 ? `wanted: ${old.length} frames in a row` : `new block: ${old.length} frames in a row`;
}

// The old frames, the new block, and what is on its way between them, around the `rest` of a layout.
/** @param {Moment} moment @param {Look} look @param {Shown} shown @param {Places} places @param {Mark[]} rest @returns {Mark[]} */
function drawn(moment, { width }, shown, places, rest) {
  const { state, grid, where, locked, freed, chosen, strike } = shown;
  const { old, next, above, legends } = places;
  const counts = { locked, freed, changed: strike?.changed.length ?? 0 };
  return [
    ...lockBar(moment, width, locked, String(state.begin.who), Boolean(strike)),
    words("old-title", old[0] - 4, old[1] - above, "old pages, where they are in memory", "sc-strongtext"),
    ...oldFrames(moment, state, where, grid, ...old),
    ...legend("key", oldItems(state, where, moment.reader.machine, counts), legends[0]),
    words("new-title", next[0] - 4, next[1] - above, newTitle(state), "sc-strongtext"),
    ...newBlock(state, grid, ...next),
    ...legend("new-key", newItems(state), legends[1]),
    ...ways(state, where, grid, old, next),
    ...rest,
    ...changes(shown, places),
    ...pageOfNow(shown, places),
    ...chosenEntry(state, where, grid, chosen, old, next),
    ...flight(state, where, grid, old, next),
  ];
}

/** @param {Moment} moment @param {Look} look @param {Shown} shown @returns {Mark[]} */
function wide(moment, look, shown) {
  const { state, grid, where, locked, freed, window, strike } = shown;
  const block = grid.per * grid.cell;
  const gap = Math.max(GAP, (look.width - 2 * (block + 8) - WIDTH - CARD) / 3 - 10);
  const left = 4;
  const centre = left + block + 4 + gap;
  const right = centre + WIDTH + gap + 4;
  const card = right + block + 4 + gap;
  const { machine } = moment.reader;
  const end = TOP + Math.ceil(state.old.length / grid.per) * grid.cell;
  const line = Math.max(end + 46, HEIGHT - 130);
  const page = 1n << BigInt(machine.header.geometry.page_shift);
  const under = Math.min(HEIGHT - 78, TOP + where.rows * grid.cell + 22);
  const legends = /** @type {[Box, Box]} */ ([
    { x: left - 4, y: under, w: block + 10, rows: 3 },
    { x: right - 4, y: end + 18, w: block + 10, rows: 1 },
  ]);
  return drawn(moment, look, shown, { old: [left, TOP], next: [right, TOP], above: 14, legends }, [
    ...middle(state, window, strike, locked, freed, centre, 78),
    ...aim(state, left - 4, HEIGHT - 26),
    ...freeLine(state, machine.freeFrames(), freed, page, right - 4, line, block + 8, HEIGHT - line - 22),
    ...programCard(moment, shown, card, 44, Math.max(CARD, look.width - card) - 1, HEIGHT - 48),
  ]);
}

/** @param {Moment} moment @param {Look} look @param {Shown} shown @returns {Mark[]} */
function tall(moment, look, shown) {
  const { state, grid, where, locked, freed, window, strike } = shown;
  const left = (look.width - grid.per * grid.cell) / 2;
  const top = 62;
  const between = top + where.rows * grid.cell + 46;
  const under = between + 70;
  const end = under + Math.ceil(state.old.length / grid.per) * grid.cell;
  const foot = end + 34;
  const w = grid.per * grid.cell + 8;
  const legends = /** @type {[Box, Box]} */ ([
    { x: left - 4, y: between - 27, w, rows: 2 },
    { x: left - 4, y: end + 17, w, rows: 1 },
  ]);
  return drawn(moment, look, shown, { old: [left, top], next: [left, under], above: 9, legends }, [
    ...strip(state, window, strike, locked, freed, left, between, look.width - 2 * left),
    words("free-title", left, foot, "free frames now", "sc-strongtext"),
    words("free-now", look.width - left, foot, String(moment.reader.machine.freeFrames()), "sc-end sc-big"),
    ...programLine(moment, shown, left, foot + 10, look.width - 2 * left),
  ]);
}

/** @type {SceneModule} */
export const collapseScene = {
  partsAreKnown: true,
  height: ({ narrow }) => (narrow ? TALL : HEIGHT),
  marks(moment, look) {
    const found = read(moment, look);
    if (!found) return [words("none", look.width / 2, 120, "No collapse has begun yet.", "sc-middle sc-big")];
    return look.narrow ? tall(moment, look, found) : wide(moment, look, found);
  },
  saysEntry(moment, entry) {
    const state = readCollapse(moment);
    if (!state) return "";
    const page = state.old[entry];
    const was = page < 0 ? "a hole" : `old frame 0x${(page + moment.reader.machine.startPfn).toString(16)}`;
    return `entry ${entry}: ${was}, ${entry < state.copied ? "copied" : "not copied"}`;
  },
  lines(moment) {
    const state = readCollapse(moment);
    if (!state) return [];
    const place = Math.min(state.phase, PHASES.length - 1);
    const how = state.ends ? ", done" : state.now < 0 ? "" : `, at entry ${state.now}`;
    const phase = `${state.failed ? "failed in " : ""}phase ${place + 1} ${PHASES[place]}${how}`;
    const where = state.phase === PHASES.length ? "the window is huge" : phase;
    const free = moment.reader.machine.freeFrames();
    return [
      `${where}: ${state.copied} of ${state.old.length} entries copied, ${free} frames free`,
      aimLine(state),
    ];
  },
  parts(moment) {
    const state = readCollapse(moment);
    const now = state?.phase ?? -1;
    const here = state?.ends ? "ended" : state?.failed ? "failed" : "now";
    return PHASES.map((name, i) => {
      return { name: `${i + 1} ${name}`, state: i < now ? "done" : i > now ? "later" : here };
    });
  },
};
