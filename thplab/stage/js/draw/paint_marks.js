// Painting on the window's grid: the pointer paints what it goes over, and what was painted is marked.

import { GLYPHS } from "../data/glyphs.js";
import { entryAt } from "./grid.js";

/** @import { Stage } from "../types.js" */

// Glyph of each kind that an entry may be painted; one that is not seen in an entry has a letter.
/** @type {Record<string, string>} */
const PAINT_GLYPHS = {
  ...Object.fromEntries(GLYPHS.map(({ key, glyph }) => [key, glyph])),
  lazyfree: "F",
  keep: "",
};

// While the edit row is open, whatever the pointer goes over with its button down is painted.
/** @param {Stage} stage @param {HTMLElement} grid */
export function paintWithPointer(stage, grid) {
  let painting = false;
  /** @param {PointerEvent} event */
  const paint = (event) => {
    const entry = entryAt(event);
    if (painting && entry >= 0) stage.act(() => stage.edit.paintEntry(entry));
  };
  grid.addEventListener("pointerdown", (event) => {
    painting = stage.edit.paints && event.buttons === 1;
    if (painting) event.preventDefault();
    paint(event);
  });
  grid.addEventListener("pointerover", (event) => {
    painting = painting && event.buttons === 1;
    paint(event);
  });
}

// Marks on the cells what the reader wants entries to be.
export class PaintMarks {
  /** @param {HTMLElement[]} cells */
  constructor(cells) {
    this.cells = cells;
    this.painted = new Map();
  }

  /** @param {Map<number, string>} painted */
  show(painted) {
    if (!painted.size && !this.painted.size) return;
    for (const i of this.painted.keys()) if (!painted.has(i)) this.cells[i].removeAttribute("data-paint");
    for (const [i, kind] of painted) {
      if (this.painted.get(i) !== kind) this.cells[i].setAttribute("data-paint", PAINT_GLYPHS[kind] ?? "?");
    }
    this.painted = painted;
  }
}
