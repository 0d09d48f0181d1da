// What the glyphs of a picture mean, and how many of each there are.

import { el } from "./dom.js";
import { GLYPHS } from "./glyphs.js";

// How often each glyph occurs.
export function countKeys(keys) {
  const found = new Array(GLYPHS.length).fill(0);
  for (const key of keys) found[key]++;
  return found;
}

// Only what there is now; `names` are those of the glyphs.
export function drawLegend(legend, found, names) {
  const text = found.join();
  if (legend.dataset.counts === text) return;
  legend.dataset.counts = text;
  const items = GLYPHS.flatMap((glyph, key) => {
    if (!found[key]) return [];
    const swatch = el("i", `ts-${glyph.key}`, glyph.glyph);
    swatch.setAttribute("aria-hidden", "true");
    return [el("span", "", swatch, el("b", "", String(found[key])), ` ${names[key]}`)];
  });
  legend.replaceChildren(...items);
}
