// The grid of the window's entries: an element for each entry, which is pointed at and marked. Of few entries
// each element holds its glyph, its number and, where there is room, words; many are drawn as one picture over their
// elements, because a browser needs longer for five hundred letters than a step may take.

import { GLYPHS } from "../data/glyphs.js";
import { el, penOf, setText } from "./dom.js";
import { Tiles } from "./tiles.js";

/** @import { Mode } from "../types.js" */

const FEW = 64;
const ROOM_FOR_WORDS = 32;
const NONE = 255;

/** @param {number} entries */
const columnsFor = (entries) => (entries >= 256 ? 32 : entries >= 64 ? 16 : entries >= 32 ? 8 : 4);

// What an element of few entries holds.
/** @param {HTMLElement} cell @param {number} number @param {boolean} words */
function makeLarge(cell, number, words) {
  const parts = { glyph: el("em"), name: el("span"), note: el("span", "ts-mono") };
  cell.append(el("small", "", String(number)), parts.glyph, ...(words ? [parts.name, parts.note] : []));
  return parts;
}

// The entry that an event of the grid is about, or -1.
/** @param {Event} param0 */
export const entryAt = ({ target }) =>
  Number(/** @type {HTMLElement} */ (target).closest("[data-entry]")?.getAttribute("data-entry") ?? -1);

/** @param {HTMLElement} root @param {number} entries @param {number} columns */
function makeCells(root, entries, columns) {
  const cells = [];
  for (let i = 0; i < entries; i++) {
    if (i % columns === 0) root.append(el("b", "", String(i)));
    const cell = el("i");
    cell.dataset.entry = String(i);
    cells.push(cell);
    root.append(cell);
  }
  return cells;
}

// The picture over many entries. It knows its size once the browser has laid it out, and draws anew when
// that changes; else only what differs from the last picture.
class Picture {
  /** @param {number} columns @param {number} rows */
  constructor(columns, rows) {
    this.columns = columns;
    this.rows = rows;
    this.keys = /** @type {Uint8Array} */ (new Uint8Array());
    this.mode = /** @type {Mode} */ ("light");
    this.tiles = /** @type {Tiles | null} */ (null);
    this.font = "";
    this.gap = 1;
    this.pitch = [0, 0];
    this.canvas = el("canvas", "ts-picture");
    this.pen = penOf(this.canvas);
    this.drawn = new Uint8Array(columns * rows).fill(NONE);
    new ResizeObserver(() => this.measure()).observe(this.canvas);
  }

  measure() {
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [
      Math.round(this.canvas.clientWidth * scale),
      Math.round(this.canvas.clientHeight * scale),
    ];
    if (!width || (width === this.canvas.width && height === this.canvas.height && this.tiles)) return;
    Object.assign(this.canvas, { width, height });
    this.pitch = [(width + scale) / this.columns, (height + scale) / this.rows]; // between entries one CSS pixel is free
    const style = getComputedStyle(this.canvas);
    this.font = `700 ${parseFloat(style.fontSize) * scale}px ${style.fontFamily}`;
    this.gap = scale;
    this.drawn.fill(NONE);
    this.draw();
  }

  /** @param {Uint8Array} keys @param {Mode} mode */
  paint(keys, mode) {
    if (mode !== this.mode) this.drawn.fill(NONE);
    this.keys = keys;
    this.mode = mode;
    this.draw();
  }

  draw() {
    if (!this.pitch[0]) return;
    const [width, height] = this.pitch.map((pitch) => Math.max(1, Math.ceil(pitch - this.gap)));
    const fits = this.tiles?.are(width, height, this.mode, this.font) ? this.tiles : null;
    const tiles = fits ?? new Tiles(width, height, this.mode, this.font);
    this.tiles = tiles;
    this.keys.forEach((key, i) => {
      if (this.drawn[i] === key) return;
      this.drawn[i] = key;
      const [x, wide] = this.stretch(0, i % this.columns);
      const [y, high] = this.stretch(1, Math.floor(i / this.columns));
      tiles.draw(this.pen, key, x, y, wide, high);
    });
  }

  // Where a column (0) or a row (1) begins, and how many whole pixels it has: the gaps stay even.
  /** @param {number} axis @param {number} number */
  stretch(axis, number) {
    const begin = Math.round(number * this.pitch[axis]);
    return [begin, Math.max(1, Math.round((number + 1) * this.pitch[axis] - this.gap) - begin)];
  }
}

export class Grid {
  // `choose(entry)` is called for an entry that is clicked.
  /** @param {number} entries @param {(entry: number) => void} choose */
  constructor(entries, choose) {
    this.root = el("div", "ts-grid");
    this.root.dataset.size = entries > FEW ? "many" : "few";
    const columns = columnsFor(entries);
    const rows = Math.ceil(entries / columns);
    this.root.style.setProperty("--columns", String(columns));
    this.root.style.setProperty("--rows", String(rows));
    this.picture = entries > FEW ? new Picture(columns, rows) : null;
    if (this.picture) this.root.append(this.picture.canvas);
    this.cells = makeCells(this.root, entries, columns);
    this.large = this.picture
      ? []
      : this.cells.map((cell, i) => makeLarge(cell, i, entries <= ROOM_FOR_WORDS));
    this.keys = new Uint8Array(entries).fill(NONE);
    this.marks = { cursor: -1, selected: -1 };
    this.root.addEventListener("click", (event) => {
      const entry = entryAt(event);
      if (entry >= 0) choose(entry);
    });
  }

  // Draws what has changed since the last picture: entries, and the marks for cursor and selection. Few entries
  // have a note each, `note(i)`.
  /**
   * @param {Uint8Array} keys
   * @param {Mode} mode
   * @param {number} cursor
   * @param {number} selected
   * @param {(entry: number) => string} note
   */
  paint(keys, mode, cursor, selected, note) {
    this.picture?.paint(keys, mode);
    for (let i = 0; i < keys.length; i++) {
      if (this.keys[i] === keys[i]) continue;
      this.keys[i] = keys[i];
      const { key, glyph, name } = GLYPHS[keys[i]];
      this.cells[i].dataset.key = key;
      if (this.picture) continue;
      this.cells[i].className = `ts-${key}`;
      setText(this.large[i].glyph, glyph);
      setText(this.large[i].name, name);
    }
    for (const [i, parts] of this.large.entries()) setText(parts.note, note(i));
    this.mark("cursor", cursor);
    this.mark("selected", selected);
  }

  /** @param {"cursor" | "selected"} name @param {number} index */
  mark(name, index) {
    const before = this.marks[name];
    if (before === index) return;
    if (before >= 0) this.cells[before].removeAttribute(`data-${name}`);
    if (index >= 0) this.cells[index].setAttribute(`data-${name}`, "");
    this.marks[name] = index;
  }
}
