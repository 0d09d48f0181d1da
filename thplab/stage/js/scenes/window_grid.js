// The entries of a window in address order: outlines until they are read, then each in its state's shape and colour.

import { STATES } from "../data/questions.js";
import { moving, path, rect, words, zeroPath } from "./marks.js";
import { unreadWords } from "./window_text.js";

/** @import { Mark, ScanState } from "../types.js" */

const FEW = 32;
const ROW = { few: 8, many: 32 };
const PITCH = { few: 56, phone: 41, many: 14 };

/** @typedef {{ x: number, y: number, entries: number, pitch: number, cell: number, columns: number, few: boolean, labels: number }} Grid */

// How the entries are laid out in a width.
/** @param {number} x @param {number} y @param {number} width @param {number} entries @returns {Grid} */
export function gridOf(x, y, width, entries) {
  const few = entries <= FEW;
  const columns = Math.min(entries, few ? ROW.few : ROW.many);
  const labels = few ? 0 : 34;
  const most = few ? (width < 400 ? PITCH.phone : PITCH.few) : PITCH.many;
  const pitch = Math.min(most, Math.floor((width - labels - 2) / columns));
  const cell = few ? pitch - 6 : pitch - 3;
  return { x: x + labels, y, entries, pitch, cell, columns, few, labels };
}

/** @param {Grid} grid */
export const gridHeight = ({ entries, columns, pitch }) => Math.ceil(entries / columns) * pitch;

/** @param {Grid} grid @param {number} entry @returns {[x: number, y: number]} */
function placeOf({ x, y, pitch, columns }, entry) {
  return [x + (entry % columns) * pitch, y + Math.floor(entry / columns) * pitch];
}

// The entry at a place of the picture; -1: none.
/** @param {Grid} grid @param {number} px @param {number} py */
export function entryAt({ x, y, pitch, columns, entries }, px, py) {
  const [column, row] = [Math.floor((px - x) / pitch), Math.floor((py - y) / pitch)];
  const entry = row * columns + column;
  return column >= 0 && column < columns && row >= 0 && entry < entries ? entry : -1;
}

/** @param {number} x @param {number} y @param {number} s */
const square = (x, y, s) => `M${x} ${y}h${s}v${s}h${-s}z`;
/** @param {number} x @param {number} y @param {number} r */
const ring = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

// The shape of a state, in a square of side s.
/** @type {Record<string, (x: number, y: number, s: number) => string>} */
const SHAPES = {
  u: square,
  n: (x, y, s) => square(x, y, s) + square(x + s * 0.28, y + s * 0.28, s * 0.44),
  e: (x, y, s) => ring(x + s / 2, y + s / 2, s * (s > 20 ? 0.4 : 0.2)),
  z: zeroPath,
  s: (x, y, s) =>
    `${square(x, y, s)}M${x + s * 0.35} ${y + s * 0.65}L${x + s * 0.78} ${y + s * 0.22}M${x + s * 0.45} ${y + s * 0.22}H${x + s * 0.78}V${y + s * 0.55}`,
  g: (x, y, s) => `M${x + s / 2} ${y}l${s / 2} ${s / 2}l${-s / 2} ${s / 2}l${-s / 2} ${-s / 2}z`,
  H: (x, y, s) => square(x, y, s * 0.62) + square(x + s * 0.34, y + s * 0.34, s * 0.66),
  h: (x, y, s) => square(x, y, s * 0.62) + square(x + s * 0.34, y + s * 0.34, s * 0.66),
};
const UNREAD = "unread";
/** @param {string} letter @param {number} x @param {number} y @param {number} s */
export const shape = (letter, x, y, s) => (letter === UNREAD ? square(x, y, s) : SHAPES[letter](x, y, s));

/** @param {Grid} grid @param {string[]} states @param {number} read @returns {Mark[]} */
function cells(grid, states, read) {
  const groups = /** @type {Map<string, string[]>} */ (new Map());
  states.forEach((letter, entry) => {
    const name = entry < read ? letter : UNREAD; // what it holds is not known before it is read
    const list = groups.get(name) ?? [];
    groups.set(name, list);
    const [x, y] = placeOf(grid, entry);
    list.push(shape(name, x, y, grid.cell));
  });
  return [...groups].map(([name, list]) =>
    path(`cells-${name}`, list.join(""), `sc-w-cell sc-w-${name}${grid.few ? " sc-w-few" : ""}`),
  );
}

// Where the number of an entry is in a large cell, and on what: beside the arrow, on the page in front.
/** @type {Record<string, [dx: number, dy: number, on: string]>} */
const NUMBERED = {
  u: [0.5, 0.5, " sc-w-onfull"],
  s: [0.25, 0.8, ""],
  H: [0.67, 0.67, " sc-w-onpage"],
  h: [0.67, 0.67, ""],
};

/** @param {Grid} grid @param {string[]} states @param {number} read @returns {Mark[]} */
function numbers(grid, states, read) {
  return states.map((letter, entry) => {
    const [x, y] = placeOf(grid, entry);
    const [dx, dy, on] = (entry < read && NUMBERED[letter]) || [0.5, 0.5, ""];
    const look = `sc-middle sc-w-number${on}`;
    return words(`n-${entry}`, x + grid.cell * dx, y + grid.cell * dy + 6, String(entry), look);
  });
}

// Beside every fourth row the number of its first entry.
/** @param {Grid} grid @returns {Mark[]} */
function rowNumbers({ x, y, entries, columns, pitch, cell }) {
  return Array.from({ length: Math.ceil(entries / columns / 4) }, (_, i) =>
    words(
      `row-${i}`,
      x - 8,
      y + i * 4 * pitch + cell,
      String(i * 4 * columns),
      "sc-end sc-small sc-quiettext",
    ),
  );
}

/** @param {Grid} grid @param {ScanState} scan @returns {Mark[]} */
function cursor(grid, scan) {
  if (scan.current < 0) return [];
  const [x, y] = placeOf(grid, scan.current);
  const s = grid.cell;
  const h = 8;
  const hand = path("hand", `M${x + s / 2 - 7} ${y - 4 - h}h14l-7 ${h}z`, "sc-w-hand");
  const ends = /** @type {const} */ ([grid.x, grid.x + (grid.columns - 1) * grid.pitch]);
  return [
    {
      ...moving(rect("cursor", x - 3, y - 3, s + 6, s + 6, "sc-w-cursor", 3)),
      rows: [ends[0] - 3, ends[1] - 3, grid.pitch],
    },
    { ...moving(hand), at: { ...hand.at, x, y }, rows: [...ends, grid.pitch] },
  ];
}

// The entry that ended the scan.
/** @param {Grid} grid @param {ScanState} scan @returns {Mark[]} */
function cross(grid, { veto, current }) {
  if (!veto || current < 0) return [];
  const [x, y] = placeOf(grid, current);
  const s = grid.cell - 2;
  return [path("cross", `M${x + 1} ${y + 1}l${s} ${s}m0 ${-s}l${-s} ${s}`, "sc-w-cross")];
}

// A cell that the reader has chosen, and that is not the one in hand.
/** @param {Grid} grid @param {number} entry @returns {Mark[]} */
function chosenMark(grid, entry) {
  if (entry < 0) return [];
  const [x, y] = placeOf(grid, entry);
  return [rect("chosen", x - 3, y - 3, grid.cell + 6, grid.cell + 6, "sc-w-chosen", 3)];
}

// Entries that the reader has painted: run on from here they are something else.
/** @param {Grid} grid @param {Map<number, string>} painted @returns {Mark[]} */
function paintedMarks(grid, painted) {
  if (!painted.size) return [];
  const s = grid.cell + 2;
  const d = [...painted.keys()].map((entry) => {
    const [x, y] = placeOf(grid, entry);
    return square(x - 1, y - 1, s);
  });
  return [path("painted", d.join(""), "sc-w-painted")];
}

/** @param {Grid} grid @param {ScanState} scan @param {number} chosen @param {Map<number, string>} painted @returns {Mark[]} */
export function entriesOf(grid, scan, chosen, painted) {
  const states = scan.states ?? [];
  const w = grid.columns * grid.pitch;
  return [
    rect("table", grid.x - 4, grid.y - 4, w + 5, gridHeight(grid) + 5, "sc-paper sc-door", 3),
    ...cells(grid, states, scan.read),
    ...cross(grid, scan),
    ...(grid.few ? numbers(grid, states, scan.read) : rowNumbers(grid)),
    ...paintedMarks(grid, painted),
    ...chosenMark(grid, chosen),
    ...cursor(grid, scan),
  ];
}

// What the shapes mean, in the order in which they were read: nothing is named that is still to come.
/** @param {ScanState} scan @param {number} x @param {number} y @param {number} width @param {number} [step] @returns {Mark[]} */
export function legend(scan, x, y, width, step = 120) {
  const { states, read } = scan;
  if (!states) return [];
  const seen = new Set(states.slice(0, read).map((letter) => (letter === "h" ? "H" : letter)));
  const across = Math.floor(width / step);
  const unread = read < states.length ? [UNREAD] : [];
  return [...unread, ...seen].flatMap((letter, i) => {
    const [left, top] = [x + (i % across) * step, y + Math.floor(i / across) * 19];
    return [
      path(`legend-${letter}`, shape(letter, left, top, 11), `sc-w-cell sc-w-${letter}`),
      words(
        `legend-t-${letter}`,
        left + 17,
        top + 10,
        letter === UNREAD ? unreadWords(scan) : STATES[letter].words,
        "sc-small",
      ),
    ];
  });
}
