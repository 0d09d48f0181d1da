// The window: the PMD's state, and the entries below it, each with glyph, colour and number.

import { readEntry } from "../data/entries.js";
import { GLYPHS } from "../data/glyphs.js";
import { runLengths } from "../data/lists.js";
import { hex, hex64 } from "../data/machine.js";
import { button, el, modeOf, setAttribute, setHidden, setText } from "../draw/dom.js";
import { describeEntry } from "../draw/entry_words.js";
import { Grid } from "../draw/grid.js";
import { countKeys, drawLegend, makeLegend } from "../draw/legend.js";
import { PaintMarks, paintWithPointer } from "../draw/paint_marks.js";

/** @import { Machine, ViewModule, WindowState } from "../types.js" */

const NAMES = GLYPHS.map(({ name }) => name);

const STATES = {
  table: "points at this table",
  leaf: "is a leaf: one huge page",
  fenced: "nobody reaches this table now",
  empty: "nothing is mapped here",
  missing: "there is no table with this entry",
};

// The PMD entry above the window: its place and value, as it stands in the table.
/** @param {WindowState} window */
function pmdText(window) {
  if (!window.pmd) return "PMD";
  return `PMD[${window.walk[2].index}] ${window.pmd.none ? "none" : hex64(window.pmd)}`;
}

// The window's entries in runs: "100x present, in use; 412x empty".
/** @param {Uint8Array} keys */
export const runs = (keys) => runLengths(Array.from(keys, (key) => GLYPHS[key].name));

// The page frame of an entry, in a few characters.
/** @param {Machine} machine @param {WindowState} window @param {number} index */
function frameOf(machine, window, index) {
  const { page } = readEntry(machine, window, index);
  return page < 0 ? "" : `pfn ${hex(page + machine.startPfn)}`;
}

/** @type {ViewModule} */
export const windowView = {
  make(stage) {
    const { header, machine } = stage.reader;
    const root = el("div", "ts-window");
    const title = el("div", "ts-title", "Window ");
    const where = el("span", "ts-mono");
    title.append(where);
    const pmd = el("span", "ts-entry");
    const state = el("span");
    /** @param {number} entry */
    const choose = (entry) => stage.edit.paints || stage.act(() => stage.selection.select(entry));
    const grid = new Grid(header.geometry.entries, choose);
    const marks = new PaintMarks(grid.cells);
    paintWithPointer(stage, grid.root);
    const leafWords = el("span");
    const leaf = el("div", "ts-leaf", el("strong", "", "one huge page"), leafWords);
    const box = el("div", "ts-box", grid.root, leaf);
    box.setAttribute("role", "img");
    const legend = makeLegend("entries");
    const words = el("span");
    const when = button("ts-link", "Go to the last change of this entry (w)", () => stage.act("lastChange"));
    const below = el("div", "ts-words", legend.root, el("p", "ts-about", when, words));
    root.append(title, el("div", "ts-pmd", pmd, state), box, below);
    return {
      root,
      update(moment) {
        const w = moment.window;
        setHidden(root, !w);
        if (!w) return;
        setText(where, `${hex(w.address)} of ${w.mm ? w.mm.label : "?"}`);
        setText(pmd, pmdText(w));
        setText(state, STATES[w.state]);
        setAttribute(root, "data-state", w.state);
        const selected = stage.selection.selected ?? -1;
        grid.paint(w.keys, modeOf(root), w.cursor, selected, (i) => frameOf(machine, w, i));
        marks.show(stage.edit.painted);
        const size = (w.entries * 4096) / 1024;
        const huge = size >= 1024 ? `${size / 1024} MiB` : `${size} KiB`;
        if (w.state === "leaf" && w.pmd)
          setText(leafWords, `${huge} at pfn ${hex(w.pmd.pfn)}, no table below the PMD`);
        setAttribute(box, "aria-label", windowView.lines(moment).join(". "));
        drawLegend(legend.list, countKeys(w.keys), NAMES);
        const change = describeEntry(stage, moment, stage.selection.entry, words);
        setHidden(when, change < 0);
        setText(when, `last changed at moment ${change}`);
      },
    };
  },
  lines(moment) {
    const w = moment.window;
    if (!w) return ["No window is in focus."];
    const lines = [
      `${hex(w.address)} of ${w.mm ? w.mm.label : "?"}`,
      `${pmdText(w)}: ${STATES[w.state]}`,
      runs(w.keys),
    ];
    if (w.cursor >= 0) lines.push(`Looking at entry ${w.cursor}: ${GLYPHS[w.keys[w.cursor]].name}`);
    return lines;
  },
};
