// The collapse: old frames on the left, the new block on the right, the PMD entry between them.

import { readWindow } from "../data/entries.js";
import { legend } from "./collapse_legend.js";
import { middle, strip, WIDTH } from "./collapse_middle.js";
import { PHASES, readCollapse } from "./collapses.js";
import { chosenEntry, flight, gridOf, newBlock, oldFrames, placesOf } from "./frames.js";
import { freeLine } from "./free_line.js";
import { lockBar } from "./locks.js";
import { rect, squares, words } from "./marks.js";
import { programCard, programLine } from "./program_card.js";
import { strikeAt } from "./strikes.js";

/** @import { CollapseState, Look, Mark, Moment, WindowState } from "../types.js" */
/** @import { SceneModule } from "../types.js" */
/** @import { Grid, OldPlaces } from "./frames.js" */

const HEIGHT = 376;
const TALL = 622;
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
  const most = Math.floor((narrow ? 180 : HEIGHT - TOP - 58) / grid.cell);
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

// Marks what another task has just changed.
/** @param {CollapseState} state @param {OldPlaces} where @param {Grid} grid @param {number[]} entries @param {number} x @param {number} y @returns {Mark[]} */
function changes(state, where, { cell }, entries, x, y) {
  const places = entries.flatMap((entry) => {
    const place = where.places.get(state.old[entry]);
    return place ? [/** @type {[number, number]} */ ([x + place[0], y + place[1]])] : [];
  });
  return places.length ? [squares("changed", places, cell - 2, "sc-changed")] : [];
}

// The page that is at work, or for which all goes back. What flies has its own mark.
/** @param {CollapseState} state @param {OldPlaces} where @param {Grid} grid @param {number} x @param {number} y @returns {Mark[]} */
function pageOfNow({ old, culprit, now, flies }, where, { cell }, x, y) {
  const place = where.places.get(old[culprit < 0 ? now : culprit] ?? -1);
  if (!place || flies.includes(now)) return [];
  return [rect("page-now", x + place[0] - 4, y + place[1] - 4, cell + 6, cell + 6, "sc-here", 4)];
}

/** @param {Moment} moment @param {Look} look @param {NonNullable<ReturnType<typeof read>>} read @returns {Mark[]} */
function wide(moment, { width }, { state, grid, where, locked, freed, chosen, window, strike }) {
  const block = grid.per * grid.cell;
  const gap = Math.max(GAP, (width - 2 * (block + 8) - WIDTH - CARD) / 3 - 10);
  const left = 4;
  const centre = left + block + 4 + gap;
  const right = centre + WIDTH + gap + 4;
  const card = right + block + 4 + gap;
  const { machine } = moment.reader;
  const rows = Math.ceil(state.old.length / grid.per);
  const line = Math.max(TOP + rows * grid.cell + 42, HEIGHT - 130);
  return [
    ...lockBar(moment, width, locked, String(state.begin.who)),
    words("old-title", left - 4, 58, "old frames, where they are", "sc-strongtext"),
    ...oldFrames(moment, state, where, grid, left, TOP),
    ...legend(
      state,
      where,
      moment.reader.machine,
      { locked, freed, changed: strike?.changed.length ?? 0 },
      left - 4,
      Math.min(HEIGHT - 41, TOP + where.rows * grid.cell + 22),
      block + 10,
      3,
    ),
    ...middle(state, window, strike, locked, freed, centre, 78),
    words("new-title", right - 4, 58, `new block: ${state.old.length} in a row`, "sc-strongtext"),
    ...newBlock(state, grid, right, TOP),
    ...freeLine(
      state,
      machine.freeFrames(),
      1n << BigInt(machine.header.geometry.page_shift),
      right - 4,
      line,
      block + 8,
      HEIGHT - line - 22,
    ),
    ...programCard(moment, state, window, strike, card, 44, Math.max(CARD, width - card), HEIGHT - 48),
    ...changes(state, where, grid, strike?.changed ?? [], left, TOP),
    ...pageOfNow(state, where, grid, left, TOP),
    ...chosenEntry(state, where, grid, chosen, [left, TOP], [right, TOP]),
    ...flight(state, where, grid, [left, TOP], [right, TOP]),
  ];
}

/** @param {Moment} moment @param {Look} look @param {NonNullable<ReturnType<typeof read>>} read @returns {Mark[]} */
function tall(moment, { width }, { state, grid, where, locked, freed, chosen, window, strike }) {
  const left = (width - grid.per * grid.cell) / 2;
  const top = 62;
  const between = top + where.rows * grid.cell + 46;
  const under = between + 70;
  const foot = under + Math.ceil(state.old.length / grid.per) * grid.cell + 30;
  const free = moment.reader.machine.freeFrames();
  return [
    ...lockBar(moment, width, locked, String(state.begin.who)),
    words("old-title", left, 53, "old frames, where they are", "sc-strongtext"),
    ...oldFrames(moment, state, where, grid, left, top),
    ...legend(
      state,
      where,
      moment.reader.machine,
      { locked, freed, changed: strike?.changed.length ?? 0 },
      left - 4,
      between - 27,
      grid.per * grid.cell + 8,
      2,
    ),
    ...strip(state, window, strike, locked, freed, left, between, width - 2 * left),
    words("new-title", left, under - 9, `new block: ${state.old.length} in a row`, "sc-strongtext"),
    ...newBlock(state, grid, left, under),
    words("free-title", left, foot, "free frames now", "sc-strongtext"),
    words("free-now", width - left, foot, String(free), "sc-end sc-big"),
    ...programLine(moment, state, window, strike, left, foot + 10, width - 2 * left),
    ...changes(state, where, grid, strike?.changed ?? [], left, top),
    ...pageOfNow(state, where, grid, left, top),
    ...chosenEntry(state, where, grid, chosen, [left, top], [left, under]),
    ...flight(state, where, grid, [left, top], [left, under]),
  ];
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
    return [`${where}: ${state.copied} of ${state.old.length} entries copied, ${free} frames free`];
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
