// The frames of a collapse: the old ones where they are in memory, and the places of the new block.

import { moving, path, rect, rings, squares, words, zeroPath } from "./marks.js";

/** @import { CollapseState, Mark, Moment } from "../types.js" */

const SHADES = 8;
const DARK = SHADES / 2; // from this shade on what is written on it is white
const FEW = 32; // a table with no more entries has large cells with numbers
/** @typedef {[x: number, y: number]} Place */
/** @typedef {{ per: number, cell: number, letters: boolean }} Grid */
/** @typedef {{ rows: number, places: Map<number, Place>, others: Map<number, Place> }} OldPlaces */

// Cells a row and their size, so that they fill a width.
/** @param {number} entries @param {number} room @returns {Grid} */
export function gridOf(entries, room) {
  const letters = entries <= FEW;
  const per = letters ? 8 : 32;
  return { per, cell: Math.min(letters ? 36 : 12, Math.floor(room / per)), letters };
}

/** @param {number} entry @param {number} entries */
const shadeOf = (entry, entries) => Math.min(SHADES - 1, Math.floor((entry * SHADES) / entries));

// Rows of neighbours that hold a page of the window, in the order of memory; where those are too many, the pages
// alone in that order.
/** @param {number[]} old @param {Grid} grid @param {number} most @param {number} frames @returns {OldPlaces} */
export function placesOf(old, { per, cell }, most, frames) {
  const pages = [...new Set(old.filter((page) => page >= 0))].sort((a, b) => a - b);
  const rows = [...new Set(pages.map((page) => Math.floor(page / per)))];
  const places = /** @type {Map<number, Place>} */ (new Map());
  const others = /** @type {Map<number, Place>} */ (new Map());
  if (rows.length > most) {
    pages.forEach((page, i) => {
      places.set(page, [(i % per) * cell, Math.floor(i / per) * cell]);
    });
    return { rows: Math.ceil(pages.length / per), places, others };
  }
  const mine = new Set(pages);
  rows.forEach((row, y) => {
    for (let i = 0; i < per; i++) {
      const page = row * per + i;
      if (page < frames) (mine.has(page) ? places : others).set(page, [i * cell, y * cell]);
    }
  });
  return { rows: Math.max(1, rows.length), places, others };
}

// A tick over a page; where the page has a number, in the corner.
/** @param {number} x @param {number} y @param {number} size */
export function tickPath(x, y, size) {
  const side = Math.min(size, 12);
  return `M${x + size - side * 0.8} ${y + side * 0.5}l${side * 0.22} ${side * 0.25}l${side * 0.38} ${-side * 0.5}`;
}

// Squares or dots, grouped by what they mean: one element each.
class Groups {
  lists = /** @type {Map<string, Place[]>} */ (new Map());

  /** @param {string} name @param {Place} place */
  put(name, place) {
    const list = this.lists.get(name) ?? [];
    this.lists.set(name, list);
    list.push(place);
  }

  /** @param {string} k @param {number} x @param {number} y @param {number} size @returns {Mark[]} */
  marks(k, x, y, size) {
    const at = (/** @type {Place[]} */ list, /** @type {number} */ by) =>
      list.map(([px, py]) => /** @type {Place} */ ([x + px + by, y + py + by]));
    return [...this.lists].map(([name, list]) => {
      const key = `${k}-${name}`;
      if (name === "free") return rings(key, at(list, size / 2), Math.max(1, size / 9), "sc-dot");
      if (name === "zero" || name.startsWith("copied")) {
        const draws = name === "zero" ? zeroPath : tickPath;
        return path(key, list.map(([px, py]) => draws(x + px, y + py, size)).join(""), `sc-${name}`);
      }
      const plain = name === "locked" || name === "unfilled";
      return squares(key, at(list, 0), size, plain ? `sc-${name}` : `sc-cell sc-${name}`);
    });
  }
}

// The old frames: filled; an edge while locked; a tick once copied, for they still hold what they held; a dot once free.
/** @param {Moment} moment @param {CollapseState} state @param {OldPlaces} where @param {Grid} grid @param {number} x @param {number} y @returns {Mark[]} */
export function oldFrames(moment, state, where, { per, cell, letters }, x, y) {
  const { machine } = moment.reader;
  const groups = new Groups();
  const edges = new Groups(); // drawn over what they surround
  const marks = [rect("old", x - 4, y - 4, per * cell + 8, where.rows * cell + 8, "sc-paper", 3)];
  for (const [page, place] of where.others) groups.put(machine.isFree(page) ? "free" : "other", place);
  const numbers = /** @type {Mark[]} */ ([]);
  state.old.forEach((page, entry) => {
    const place = where.places.get(page);
    if (!place) return;
    const free = machine.isFree(page);
    const dark = shadeOf(entry, state.old.length) >= DARK;
    groups.put(free ? "free" : `s${shadeOf(entry, state.old.length)}`, place);
    if (!free && entry < state.copied) edges.put(dark ? "copied-dark" : "copied", place);
    if (!free && machine.isLocked(page)) edges.put("locked", place);
    if (letters && !free) numbers.push(number("old", entry, state, x + place[0], y + place[1], cell));
  });
  const size = cell - 2;
  return [...marks, ...groups.marks("old", x, y, size), ...edges.marks("old", x, y, size), ...numbers];
}

/** @param {string} k @param {number} entry @param {CollapseState} state @param {number} x @param {number} y @param {number} cell */
function number(k, entry, state, x, y, cell) {
  const dark = shadeOf(entry, state.old.length) >= DARK;
  return words(
    `${k}-n${entry}`,
    x + cell / 2 - 1,
    y + cell / 2 + 4,
    String(entry),
    `sc-middle ${dark ? "sc-onfill" : ""}`,
  );
}

/** @param {number} entry @param {Grid} grid @returns {Place} */
const newPlace = (entry, { per, cell }) => [(entry % per) * cell, Math.floor(entry / per) * cell];

// The new block: what is copied in the shade of its entry, a figure for the zeros of a hole, an edge alone for a place
// that is not filled yet.
/** @param {CollapseState} state @param {Grid} grid @param {number} x @param {number} y @returns {Mark[]} */
export function newBlock(state, grid, x, y) {
  const entries = state.old.length;
  const { per, cell, letters } = grid;
  const gone = state.block < 0 || Boolean(state.failed);
  const frame =
    state.done >= 7 ? "sc-leaf sc-door" : gone ? "sc-ghost sc-door" : "sc-paper sc-strong sc-door";
  const marks = [rect("new", x - 4, y - 4, per * cell + 8, Math.ceil(entries / per) * cell + 8, frame, 3)];
  if (gone) return marks;
  const groups = new Groups();
  const numbers = /** @type {Mark[]} */ ([]);
  for (let entry = 0; entry < entries; entry++) {
    const place = newPlace(entry, grid);
    const [hole, filled] = [state.old[entry] < 0, entry < state.copied];
    groups.put(!filled ? "unfilled" : hole ? "zero" : `s${shadeOf(entry, entries)}`, place);
    if (letters && filled && !hole)
      numbers.push(number("new", entry, state, x + place[0], y + place[1], cell));
  }
  return [...marks, ...groups.marks("new", x, y, cell - 2), ...numbers];
}

// The entry that the reader has chosen: its old frame, and its place in the new block.
/** @param {CollapseState} state @param {OldPlaces} where @param {Grid} grid @param {number} entry @param {Place} from @param {Place} to @returns {Mark[]} */
export function chosenEntry(state, where, grid, entry, from, to) {
  if (entry < 0 || entry >= state.old.length) return [];
  const size = grid.cell + 4;
  const old = where.places.get(state.old[entry]);
  const [x, y] = newPlace(entry, grid);
  return [
    ...(old ? [rect("chosen", from[0] + old[0] - 3, from[1] + old[1] - 3, size, size, "sc-chosen", 3)] : []),
    rect("chosen-new", to[0] + x - 3, to[1] + y - 3, size, size, "sc-chosen", 3),
  ];
}

// Where from and where to contents move at this moment.
/** @param {CollapseState} state @param {OldPlaces} where @param {Grid} grid @param {Place} from @param {Place} to */
function legsOf(state, where, grid, from, to) {
  return state.flies.flatMap((entry) => {
    const old = where.places.get(state.old[entry]);
    const [x, y] = newPlace(entry, grid);
    return old ? [{ entry, x0: from[0] + old[0], y0: from[1] + old[1], x1: to[0] + x, y1: to[1] + y }] : [];
  });
}

// The dotted way of the contents shows without motion where they go; it lies below what is between.
/** @param {CollapseState} state @param {OldPlaces} where @param {Grid} grid @param {Place} from @param {Place} to @returns {Mark[]} */
export function ways(state, where, grid, from, to) {
  const half = grid.cell / 2 - 1;
  return legsOf(state, where, grid, from, to).map(({ x0, y0, x1, y1 }, i) => {
    const bend = Math.max(y0, y1) + 24 + i * 10;
    const middle = `${(x0 + x1) / 2} ${bend}`;
    return path(`way-${i}`, `M${x0 + half} ${y0 + half}Q${middle} ${x1 + half} ${y1 + half}`, "sc-way");
  });
}

// The contents on their way from the old frame to the new place.
/** @param {CollapseState} state @param {OldPlaces} where @param {Grid} grid @param {Place} from @param {Place} to @returns {Mark[]} */
export function flight(state, where, grid, from, to) {
  const size = grid.cell - 2;
  return legsOf(state, where, grid, from, to).flatMap(({ entry, x0, y0, x1, y1 }, i) => {
    const look = `sc-cell sc-s${shadeOf(entry, state.old.length)} sc-flies`;
    return [
      rect(`from-${i}`, x0 - 2, y0 - 2, size + 4, size + 4, "sc-here", 3),
      moving(rect(`fly-${i}`, x1, y1, size, size, look, 2), [x0, y0]),
    ];
  });
}
