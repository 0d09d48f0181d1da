// Each glyph on its field as a small picture, drawn once: to copy one costs a fraction of writing its letter.

import { GLYPHS } from "../data/glyphs.js";
import { el } from "./dom.js";

export class Tiles {
  // Width and height in pixels of the drawing; `mode` is light or dark; `font` in the words of CSS. Each glyph
  // stands `count` times in a row, a gap behind each, so that so many alike are one copy.
  constructor(width, height, mode, font, gap = 0, count = 1) {
    Object.assign(this, { width, height, mode, font, pitch: width + gap });
    this.sheet = el("canvas");
    this.sheet.width = this.pitch * count;
    this.sheet.height = height * GLYPHS.length;
    const pen = this.sheet.getContext("2d");
    Object.assign(pen, { font, textAlign: "center", textBaseline: "middle" });
    GLYPHS.forEach((glyph, key) => {
      for (let i = 0; i < count; i++) this.make(pen, glyph, i * this.pitch, key * height);
    });
  }

  make(pen, glyph, x, y) {
    const [background, ink] = glyph[this.mode];
    if (background) {
      pen.fillStyle = background;
      pen.fillRect(x, y, this.width, this.height);
    }
    pen.fillStyle = ink;
    pen.fillText(glyph.glyph, x + this.width / 2, y + this.height / 2);
  }

  // True if these tiles are what is asked for.
  are(width, height, mode, font) {
    return this.width === width && this.height === height && this.mode === mode && this.font === font;
  }

  // Fill a box with a glyph, or with a row of them; what the tile has more is cut off.
  draw(pen, key, x, y, width, height) {
    pen.clearRect(x, y, width, height);
    pen.drawImage(this.sheet, 0, key * this.height, width, height, x, y, width, height);
  }
}
