// The entries of a window in address order: outlines until they are read, then each in its state's shape and colour.

import { STATES } from "../data/questions.js";
import { moving, path, rect, words } from "./marks.js";

/** @import { Mark, ScanState } from "../types.js" */

const FEW = 32;
const ROW = { few: 8, many: 32 };

/** @typedef {{ x: number, y: number, entries: number, pitch: number, cell: number, columns: number, few: boolean, labels: number }} Grid */

// How the entries are laid out in a width.
/** @param {number} x @param {number} y @param {number} width @param {number} entries @returns {Grid} */
export function gridOf(x, y, width, entries) {
  const few = entries <= FEW;
  const columns = Math.min(entries, few ? ROW.few : ROW.many);
  const labels = few ? 0 : 34;
  const pitch = few
    ? Math.min(41, Math.floor(width / columns))
    : Math.min(14, Math.floor((width - labels - 2) / columns));
  const cell = few ? Math.min(36, pitch - 4) : pitch - 3;
  return { x: x + labels, y, entries, pitch, cell, columns, few, labels };
}

/** @param {Grid} grid */
export const gridHeight = ({ entries, columns, pitch }) => Math.ceil(entries / columns) * pitch;

/** @param {Grid} grid @param {number} entry @returns {[x: number, y: number]} */
function placeOf({ x, y, pitch, columns }, entry) {
  return [x + (entry % columns) * pitch, y + Math.floor(entry / columns) * pitch];
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
  e: (x, y, s) => ring(x + s / 2, y + s / 2, Math.min(s * 0.2, 5)),
  z: (x, y, s) => ring(x + s / 2, y + s / 2, s * 0.4),
  s: (x, y, s) =>
    `${square(x, y, s)}M${x + s * 0.25} ${y + s * 0.75}L${x + s * 0.75} ${y + s * 0.25}M${x + s * 0.4} ${y + s * 0.25}H${x + s * 0.75}V${y + s * 0.6}`,
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
    const name = entry < read ? letter : letter === "e" ? "unread-e" : UNREAD;
    const list = groups.get(name) ?? [];
    groups.set(name, list);
    const [x, y] = placeOf(grid, entry);
    list.push(shape(entry < read || letter === "e" ? letter : UNREAD, x, y, grid.cell));
  });
  return [...groups].map(([name, list]) => path(`cells-${name}`, list.join(""), `sc-w-cell sc-w-${name}`));
}

/** @param {Grid} grid @param {string[]} states @param {number} read @returns {Mark[]} */
function numbers(grid, states, read) {
  if (grid.few)
    return states.map((letter, entry) => {
      const [x, y] = placeOf(grid, entry);
      const full = entry < read && letter === "u";
      return words(
        `n-${entry}`,
        x + grid.cell / 2,
        y + grid.cell / 2 + 5,
        String(entry),
        `sc-middle ${full ? "sc-w-onfull" : "sc-w-number"}`,
      );
    });
  const rows = Math.ceil(grid.entries / grid.columns);
  return Array.from({ length: rows }, (_, row) => row)
    .filter((row) => row % 4 === 0)
    .map((row) =>
      words(
        `row-${row}`,
        grid.x - 8,
        grid.y + row * grid.pitch + grid.cell,
        String(row * grid.columns),
        "sc-end sc-small sc-quiettext",
      ),
    );
}

/** @param {Grid} grid @param {ScanState} scan @returns {Mark[]} */
function cursor(grid, scan) {
  if (scan.current < 0) return [];
  const [x, y] = placeOf(grid, scan.current);
  const s = grid.cell;
  const [middle, h] = [x + s / 2, grid.few ? 7 : 9];
  const frame = moving(rect("cursor", x - 3, y - 3, s + 6, s + 6, "sc-w-cursor", 3));
  const hand = path("hand", `M${middle - h * 0.8} ${y - 5 - h}h${h * 1.6}l${-h * 0.8} ${h}z`, "sc-w-hand");
  const marks = [{ ...frame }, { ...moving(hand), at: { ...hand.at, x, y } }];
  if (scan.veto)
    marks.push(
      path("cross", `M${x + 1} ${y + 1}l${s - 2} ${s - 2}m0 ${2 - s}l${2 - s} ${s - 2}`, "sc-w-cross"),
    );
  return marks;
}

// A cell that the reader has chosen, and that is not the one in hand.
/** @param {Grid} grid @param {number} entry @returns {Mark[]} */
function chosenMark(grid, entry) {
  if (entry < 0) return [];
  const [x, y] = placeOf(grid, entry);
  return [rect("chosen", x - 3, y - 3, grid.cell + 6, grid.cell + 6, "sc-w-chosen", 3)];
}

/** @param {Grid} grid @param {ScanState} scan @param {number} chosen @returns {Mark[]} */
export function entriesOf(grid, scan, chosen) {
  const states = scan.states ?? [];
  const w = grid.columns * grid.pitch;
  return [
    rect("table", grid.x - 4, grid.y - 4, w + 5, gridHeight(grid) + 5, "sc-paper", 3),
    ...cells(grid, states, scan.read),
    ...numbers(grid, states, scan.read),
    ...chosenMark(grid, chosen),
    ...cursor(grid, scan),
  ];
}

const LEGEND = [...Object.keys(STATES).filter((letter) => letter !== "h"), UNREAD];

// What the shapes mean: those that are in this window, and the outline as long as one is not read.
/** @param {ScanState} scan @param {number} x @param {number} y @param {number} width @returns {Mark[]} */
export function legend(scan, x, y, width) {
  const states = scan.states ?? [];
  const seen = new Set(states.map((letter) => (letter === "h" ? "H" : letter)));
  if (scan.read < states.length) seen.add(UNREAD);
  const across = Math.max(1, Math.floor(width / 116));
  return LEGEND.filter((letter) => seen.has(letter)).flatMap((letter, i) => {
    const [left, top] = [x + (i % across) * 116, y + Math.floor(i / across) * 19];
    return [
      path(`legend-${letter}`, shape(letter, left, top, 11), `sc-w-cell sc-w-${letter}`),
      words(
        `legend-t-${letter}`,
        left + 17,
        top + 10,
        letter === UNREAD ? "not read yet" : STATES[letter].words,
        "sc-small",
      ),
    ];
  });
}
