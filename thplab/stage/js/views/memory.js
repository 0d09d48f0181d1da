// Memory: pageblock by pageblock what each frame is used for. Pointing at a frame lights its entry.

import { readEntry } from "../data/entries.js";
import { frameKeys, pageblocks } from "../data/frame_keys.js";
import { GLYPHS } from "../data/glyphs.js";
import { CELL, freeWords, MOST_COLUMNS, makeBlock, staysFree } from "../draw/blocks.js";
import { button, el, inSight, modeOf, scroller, setAttribute, setHidden, setText } from "../draw/dom.js";
import { pageWords } from "../draw/entry_words.js";
import { countKeys, drawLegend, makeLegend } from "../draw/legend.js";
import { Tiles } from "../draw/tiles.js";

/** @import { Mode, Moment, Pageblock, Stage, ViewModule } from "../types.js" */

// As the glyphs are called, but a frame is of a huge folio, whoever maps it.
const NAMES = GLYPHS.map(({ key, name }) => (key === "huge" ? "of one huge folio" : name));

const NOTHING_LIT = "Click a frame, or select an entry of the window.";
const LATER = 100; // ms until pageblocks are drawn that are out of sight

/** @param {Moment} moment */
function keysOf(moment) {
  const { machine } = moment.reader;
  return frameKeys(machine, new Uint8Array(machine.frames));
}

// "408x free, 100x anonymous page": in the order of the glyphs.
/** @param {Uint8Array} keys */
function counted(keys) {
  const found = countKeys(keys);
  return NAMES.flatMap((name, key) => (found[key] ? [`${found[key]}x ${name}`] : [])).join(", ");
}

// What is lit: the frame that was pointed at, else that of the entry in question.
/** @param {Stage} stage @param {Moment} moment */
function litFrame(stage, moment) {
  if (stage.selection.page >= 0) return stage.selection.page;
  const w = moment.window;
  return !w || stage.selection.entry < 0
    ? -1
    : readEntry(moment.reader.machine, w, stage.selection.entry).page;
}

/** @param {Mode} mode */
const makeTiles = (mode) => new Tiles(CELL - 1, CELL - 1, mode, `${CELL - 3}px monospace`, 1, MOST_COLUMNS);

/** @type {ViewModule} */
export const memoryView = {
  make(stage) {
    const { machine, timeline } = stage.reader;
    /** @param {number} page */
    const press = (page) => stage.act(() => stage.selection.pointAt(page));
    const keysNow = keysOf(stage.moment);
    const [free, used] = [/** @type {Pageblock[]} */ ([]), /** @type {Pageblock[]} */ ([])];
    for (const block of pageblocks(machine))
      (staysFree(stage.reader, block, keysNow) ? free : used).push(block);
    const made = used.map((block) => makeBlock(block, machine.startPfn, press));
    const blocks = scroller("div", "ts-blocks", "Pageblocks");
    const unused = freeWords(free.map(({ number }) => number));
    blocks.append(...made.map(({ box }) => box), el("p", "ts-unused", unused));
    const legend = makeLegend("frames");
    const words = el("span");
    const when = button("ts-link", "Go to the last change of this frame", () =>
      stage.act(() => stage.move(Number(when.dataset.step))),
    );
    let tiles = /** @type {Tiles | null} */ (null);
    /** @param {ReturnType<typeof makeBlock>} _block */
    let draw = (_block) => {}; // a pageblock as it is now
    let rest = 0;
    const root = el("div", "ts-memory", blocks, legend.root, el("p", "ts-about", when, words));
    return {
      root,
      update(moment) {
        const keys = keysOf(moment);
        const lit = litFrame(stage, moment);
        const mode = modeOf(root);
        if (tiles?.mode !== mode) tiles = makeTiles(mode);
        const drawn = tiles;
        draw = ({ painter }) => painter.paint(keys, lit, drawn);
        const blocksNow = pageblocks(machine);
        for (const { block, painter, type } of made) {
          const now = blocksNow[block.number];
          setText(type, now.type);
          const uses = counted(keys.subarray(block.first, block.end));
          setAttribute(painter.canvas, "aria-label", `Pageblock ${block.number}, ${now.type}: ${uses}`);
        }
        drawLegend(legend.list, countKeys(keys), NAMES);
        setText(words, lit < 0 ? NOTHING_LIT : `${NAMES[keys[lit]]} · ${pageWords(machine, lit)}`);
        const changed = lit < 0 ? -1 : timeline.lastChange(machine.frameCell("flags", lit));
        setHidden(when, changed < 0);
        when.dataset.step = String(changed);
        setText(when, `flags last changed at moment ${changed}`);
      },
      // A canvas that was drawn on costs the browser a copy: what nobody sees has time until nothing moves.
      settle() {
        for (const block of made) if (inSight(block.painter.canvas)) draw(block);
        clearTimeout(rest);
        rest = setTimeout(() => made.forEach(draw), LATER);
      },
    };
  },
  lines(moment) {
    const { machine } = moment.reader;
    const keys = keysOf(moment);
    const told = pageblocks(machine).map((block) => ({
      ...block,
      says: `${block.type}: ${counted(keys.subarray(block.first, block.end))}`,
    }));
    const lines = [];
    for (let from = 0, i = 1; i <= told.length; i++) {
      if (i < told.length && told[i].says === told[from].says) continue;
      const which = i - from === 1 ? `pageblock ${from},` : `pageblocks ${from} to ${i - 1}, each`;
      lines.push(`${which} ${told[from].says}`);
      from = i;
    }
    return lines;
  },
};
