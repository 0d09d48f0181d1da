// Pageblocks on the screen: each a drawing of its frames. Those that are free throughout a recording are one line.

import { GLYPHS } from "../data/glyphs.js";
import { hex } from "../data/machine.js";
import { el, penOf } from "./dom.js";
/** @import { Mode, Pageblock, Reader, Tiles } from "../types.js" */
export const CELL = 16; // pixels of the drawing

export const MOST_COLUMNS = 64;

const FEW = 64; // frames of a pageblock that needs no row of its own

/** @param {number} frames */
const columnsFor = (frames) => (frames > FEW ? MOST_COLUMNS : 8);

export class BlockPainter {
  /** @param {Pageblock} block */
  constructor(block) {
    this.block = block;
    this.frames = block.end - block.first;
    this.columns = Math.min(columnsFor(this.frames), Math.max(this.frames, 1));
    this.canvas = el("canvas", "ts-block");
    this.canvas.width = this.columns * CELL;
    this.canvas.height = Math.ceil(this.frames / this.columns) * CELL;
    if (this.frames <= FEW) this.canvas.style.width = `${this.canvas.width}px`; // else as wide as there is room
    this.canvas.setAttribute("role", "img");
    this.pen = penOf(this.canvas);
    this.drawn = new Uint8Array(this.frames).fill(255);
    this.lit = -1;
    this.mode = /** @type {Mode | ""} */ ("");
  }

  // Draws what has changed, frames that are alike and beside each other at once.
  /** @param {Uint8Array} keys @param {number} lit @param {Tiles} tiles */
  paint(keys, lit, tiles) {
    const { first } = this.block;
    const here = lit >= first && lit < this.block.end ? lit - first : -1;
    const fresh = tiles.mode !== this.mode;
    /** @param {number} i */
    const stale = (i) => fresh || this.drawn[i] !== keys[first + i] || (i === here) !== (i === this.lit);
    const framed = here >= 0 && stale(here);
    for (let i = 0; i < this.frames; i++) {
      if (!stale(i)) continue;
      const key = keys[first + i];
      const row = Math.floor(i / this.columns);
      const rowEnd = Math.min((row + 1) * this.columns, this.frames);
      let end = i + 1;
      while (end < rowEnd && keys[first + end] === key && stale(end)) end++;
      this.run(key, (i - row * this.columns) * CELL, row * CELL, end - i, tiles);
      this.drawn.fill(key, i, end);
      i = end - 1;
    }
    if (framed) this.frame(here, tiles.mode);
    this.lit = here;
    this.mode = tiles.mode;
  }

  /** @param {number} key @param {number} x @param {number} y @param {number} count @param {Tiles} tiles */
  run(key, x, y, count, tiles) {
    this.pen.clearRect(x, y, CELL * count, CELL);
    if (GLYPHS[key].key !== "huge") return tiles.draw(this.pen, key, x, y, CELL * count, CELL - 1);
    [this.pen.fillStyle] = GLYPHS[key][tiles.mode]; // no gap: one block
    this.pen.fillRect(x, y, CELL * count, CELL);
  }

  /** @param {number} i @param {Mode} mode */
  frame(i, mode) {
    const [x, y] = [(i % this.columns) * CELL, Math.floor(i / this.columns) * CELL];
    this.pen.strokeStyle = mode === "dark" ? "#ff8f3f" : "#d55e00";
    this.pen.lineWidth = 4;
    this.pen.strokeRect(x + 2, y + 2, CELL - 5, CELL - 5); // nothing of it outside the frame
  }

  // The frame at a point of the drawing, counted in the block; -1 if there is none.
  /** @param {MouseEvent} param0 */
  frameAt({ offsetX, offsetY }) {
    const scale = this.canvas.width / this.canvas.clientWidth / CELL;
    const i = Math.floor(offsetY * scale) * this.columns + Math.floor(offsetX * scale);
    return i < this.frames ? i : -1;
  }
}

// Is a block free from the first to the last moment? `keys`: what its frames are used for now. The head of the
// free block that it is part of may stand in front of it.
/** @param {Reader} param0 @param {Pageblock} block @param {Uint8Array} keys */
export function staysFree({ machine, timeline }, block, keys) {
  /** @param {number} page */
  const changed = (page) => timeline.changesOf(machine.frameCell("flags", page)).length > 0;
  for (let page = block.first; page < block.end; page++) {
    if (GLYPHS[keys[page]].key !== "free" || changed(page)) return false;
  }
  let head = block.first;
  while (head > 0 && !(machine.frame("flags", head) & machine.flag.buddy)) head--;
  return !changed(head);
}

// A block with its number and what it is called; `press(page)` is told of a frame that was clicked.
/** @param {Pageblock} block @param {number} startPfn @param {(page: number) => void} press */
export function makeBlock(block, startPfn, press) {
  const painter = new BlockPainter(block);
  const type = el("span");
  const pfn = el("span", "ts-quiet", `pfn ${hex(block.first + startPfn)}`);
  const caption = el("figcaption", "", "Pageblock ", el("strong", "", `${block.number}`), " ", type, pfn);
  const box = el("figure", "ts-pageblock", caption, painter.canvas);
  if (painter.frames > FEW) box.dataset.row = "";
  painter.canvas.addEventListener("click", (event) => {
    const i = painter.frameAt(event);
    if (i >= 0) press(block.first + i);
  });
  return { block, box, painter, type };
}

// The words for blocks that are not drawn, by their numbers, ascending.
/** @param {number[]} numbers */
export function freeWords(numbers) {
  if (!numbers.length) return "";
  const runs = [];
  for (const number of numbers) {
    const last = runs[runs.length - 1];
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  const told = runs.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`)).join(", ");
  return `${numbers.length === 1 ? "Pageblock" : "Pageblocks"} ${told}: free from the first to the last moment.`;
}
