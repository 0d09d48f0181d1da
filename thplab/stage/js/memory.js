// Memory: pageblock by pageblock what each frame is used for. Pointing at a frame lights its entry.

import { button, el, modeOf, scroller, setAttribute, setHidden, setText } from "./dom.js";
import { readEntry } from "./entries.js";
import { pageWords } from "./entry_words.js";
import { frameKeys, pageblocks } from "./frame_keys.js";
import { GLYPHS } from "./glyphs.js";
import { hex } from "./machine.js";
import { Tiles } from "./tiles.js";

// As the glyphs are called, but a frame is of a huge folio, whoever maps it.
const NAMES = GLYPHS.map(({ key, name }) => (key === "huge" ? "of one huge folio" : name));

const USES = ["part", "poison", "huge", "free", "anon", "file", "pagetable", "kernel", "percpu"];

const CELL = 16; // pixels of the drawing; half as many on the screen

function keysOf(moment) {
  const { machine } = moment.reader;
  return frameKeys(machine, new Uint8Array(machine.value(machine.memMap, "nr_frames")));
}

// "408x free, 100x anonymous page": in the order of the glyphs.
function counted(keys) {
  const found = new Array(GLYPHS.length).fill(0);
  for (const key of keys) found[key]++;
  return NAMES.flatMap((name, key) => (found[key] ? [`${found[key]}x ${name}`] : [])).join(", ");
}

const MOST_COLUMNS = 32;

const FEW = 64; // frames of a pageblock that are drawn twice as large

const columnsFor = (frames) => (frames > FEW ? MOST_COLUMNS : 8);

class BlockPainter {
  constructor(block) {
    this.block = block;
    this.frames = block.end - block.first;
    this.columns = Math.min(columnsFor(this.frames), Math.max(this.frames, 1));
    this.canvas = el("canvas", "ts-block");
    this.canvas.width = this.columns * CELL;
    this.canvas.height = Math.ceil(this.frames / this.columns) * CELL;
    this.canvas.style.width = `${this.canvas.width / (this.frames > FEW ? 2 : 1)}px`;
    this.canvas.setAttribute("role", "img");
    this.pen = this.canvas.getContext("2d");
    this.drawn = new Uint8Array(this.frames).fill(255);
    this.lit = -1;
    this.mode = "";
  }

  // Draws what has changed, frames that are alike and beside each other at once.
  paint(keys, lit, tiles) {
    const { first } = this.block;
    const here = lit >= first && lit < this.block.end ? lit - first : -1;
    const fresh = tiles.mode !== this.mode;
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

  run(key, x, y, count, tiles) {
    this.pen.clearRect(x, y, CELL * count, CELL);
    if (GLYPHS[key].key !== "huge") return tiles.draw(this.pen, key, x, y, CELL * count, CELL - 1);
    [this.pen.fillStyle] = GLYPHS[key][tiles.mode]; // no gap: one block
    this.pen.fillRect(x, y, CELL * count, CELL);
  }

  frame(i, mode) {
    const [x, y] = [(i % this.columns) * CELL, Math.floor(i / this.columns) * CELL];
    this.pen.strokeStyle = mode === "dark" ? "#ff8f3f" : "#d55e00";
    this.pen.lineWidth = 4;
    this.pen.strokeRect(x + 2, y + 2, CELL - 5, CELL - 5); // nothing of it outside the frame
  }
}

// The entry of the moment's window that maps a frame, or -1.
function entryOf(moment, page) {
  const w = moment.window;
  for (let i = 0; w && i < w.entries; i++) {
    if (readEntry(moment.reader.machine, w, i).page === page) return i;
  }
  return -1;
}

function makeBlock(stage, block, startPfn) {
  const painter = new BlockPainter(block);
  const name = el("strong", "", `${block.number}`);
  const about = el("span", "ts-quiet");
  const box = el("figure", "ts-pageblock", el("figcaption", "", name, " ", about), painter.canvas);
  painter.canvas.addEventListener("click", (event) => {
    const scale = painter.canvas.width / painter.canvas.clientWidth / CELL;
    const i = Math.floor(event.offsetY * scale) * painter.columns + Math.floor(event.offsetX * scale);
    if (i < painter.frames) stage.act(() => stage.pointAt(block.first + i, entryOf(stage.moment, block.first + i)));
  });
  return { box, painter, about, first: hex(block.first + startPfn) };
}

// What is lit: the frame that was pointed at, else that of the entry in question.
function litFrame(stage, moment) {
  if (stage.page >= 0) return stage.page;
  const w = moment.window;
  return !w || stage.entry < 0 ? -1 : readEntry(moment.reader.machine, w, stage.entry).page;
}

export const memoryView = {
  name: "memory",
  title: "Memory",
  place: "below",
  wide: true,
  summary: () => "",
  make(stage) {
    const { machine, timeline } = stage.reader;
    const made = pageblocks(machine).map((block) => makeBlock(stage, block, machine.startPfn));
    const blocks = scroller("div", "ts-blocks", "Pageblocks");
    blocks.append(...made.map(({ box }) => box));
    const legend = el("div", "ts-legend");
    const words = el("span");
    const when = button("ts-link", "Go to the last change of this frame", () => stage.act(() => stage.move(Number(when.dataset.step))));
    let tiles = null;
    const root = el("div", "ts-memory", blocks, legend, el("p", "ts-about", when, words));
    for (const glyph of GLYPHS.filter(({ key }) => USES.includes(key))) {
      const swatch = el("i", `ts-${glyph.key}`, glyph.key === "huge" ? "" : glyph.glyph);
      swatch.setAttribute("aria-hidden", "true");
      legend.append(el("span", "", swatch, ` ${NAMES[GLYPHS.indexOf(glyph)]}`));
    }
    return {
      root,
      update(moment) {
        const keys = keysOf(moment);
        const lit = litFrame(stage, moment);
        const mode = modeOf(root);
        if (tiles?.mode !== mode) tiles = new Tiles(CELL - 1, CELL - 1, mode, `${CELL - 3}px monospace`, 1, MOST_COLUMNS);
        pageblocks(machine).forEach((block, i) => {
          const { painter, about, first } = made[i];
          painter.paint(keys, lit, tiles);
          setText(about, `pfn ${first}, ${block.type}`);
          setAttribute(painter.canvas, "aria-label", `Pageblock ${block.number}, ${block.type}: ${counted(keys.subarray(block.first, block.end))}`);
        });
        setText(words, lit < 0 ? "Click a frame, or select an entry of the window." : `${NAMES[keys[lit]]} · ${pageWords(machine, lit)}`);
        const changed = lit < 0 ? -1 : timeline.lastChange(machine.columnByLabel.get("mem_map.flags").base + lit);
        setHidden(when, changed < 0);
        when.dataset.step = changed;
        setText(when, `flags last changed at moment ${changed}`);
      },
    };
  },
  lines(moment) {
    const { machine } = moment.reader;
    const keys = keysOf(moment);
    const told = pageblocks(machine).map((block) => ({ ...block, says: `${block.type}: ${counted(keys.subarray(block.first, block.end))}` }));
    const lines = [];
    for (let from = 0, i = 1; i <= told.length; i++) {
      if (i < told.length && told[i].says === told[from].says) continue;
      lines.push(i - from === 1 ? `pageblock ${from}, ${told[from].says}` : `pageblocks ${from} to ${i - 1}, each ${told[from].says}`);
      from = i;
    }
    return lines;
  },
};
