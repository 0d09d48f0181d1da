// Each glyph on its field as a small picture, drawn once: to copy one costs a fraction of writing its letter.

import { GLYPHS } from "../data/glyphs.js";
import { el, penOf } from "./dom.js";
/** @import { Glyph, Mode } from "../types.js" */
export class Tiles {
  // Width and height in pixels of the drawing; `mode` is light or dark; `font` in the words of CSS. Each glyph
  // stands `count` times in a row, a gap behind each, so that so many alike are one copy.
  /**
   * @param {number} width
   * @param {number} height
   * @param {Mode} mode
   * @param {string} font
   * @param {number} [gap]
   * @param {number} [count]
   */
  constructor(width, height, mode, font, gap = 0, count = 1) {
    this.width = width;
    this.height = height;
    this.mode = mode;
    this.font = font;
    this.pitch = width + gap;
    this.sheet = el("canvas");
    this.sheet.width = this.pitch * count;
    this.sheet.height = height * GLYPHS.length;
    const pen = penOf(this.sheet);
    Object.assign(pen, { font, textAlign: "center", textBaseline: "middle" });
    GLYPHS.forEach((glyph, key) => {
      for (let i = 0; i < count; i++) this.make(pen, glyph, i * this.pitch, key * height);
    });
  }

  /** @param {CanvasRenderingContext2D} pen @param {Glyph} glyph @param {number} x @param {number} y */
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
  /** @param {number} width @param {number} height @param {Mode} mode @param {string} font */
  are(width, height, mode, font) {
    return this.width === width && this.height === height && this.mode === mode && this.font === font;
  }

  // Fill a box with a glyph, or with a row of them; what the tile has more is cut off.
  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {number} key
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  draw(pen, key, x, y, width, height) {
    pen.clearRect(x, y, width, height);
    pen.drawImage(this.sheet, 0, key * this.height, width, height, x, y, width, height);
  }
}
