// What the glyphs of a picture mean, and how many of each there are.

import { GLYPHS } from "../data/glyphs.js";
import { el, setAttribute, setText, updateList } from "./dom.js";

// How often each glyph occurs.
/** @param {Uint8Array} keys @returns {number[]} */
export function countKeys(keys) {
  const found = new Array(GLYPHS.length).fill(0);
  for (const key of keys) found[key]++;
  return found;
}

// A legend: what is counted, and a list for the glyphs.
/** @param {string} unit */
export function makeLegend(unit) {
  const list = el("div", "ts-legend-list");
  return { root: el("div", "ts-legend", el("span", "ts-quiet", `${unit}:`), list), list };
}

// Only what there is now; `names` are those of the glyphs.
/** @param {HTMLElement} legend @param {number[]} found @param {string[]} names */
export function drawLegend(legend, found, names) {
  const make = () => {
    const swatch = el("i");
    swatch.setAttribute("aria-hidden", "true");
    return el("span", "", swatch, el("b"), el("span"));
  };
  const shown = [...GLYPHS.keys()].filter((key) => found[key]);
  updateList(legend, shown, make, (item, key) => {
    const [swatch, count, name] = item.children;
    setAttribute(swatch, "class", `ts-${GLYPHS[key].key}`);
    setText(swatch, GLYPHS[key].glyph);
    setText(count, String(found[key]));
    setText(name, names[key]);
  });
}
