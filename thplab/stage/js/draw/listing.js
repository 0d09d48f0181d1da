// A long listing of which only the lines around those that are seen are elements: the browser lays out a
// hundred lines instead of thousands. The others are empty space of the same height.

import { el } from "./dom.js";
import { lineElement } from "./syntax.js";

/** @import { Piece } from "../types.js" */

const LEAST = 12; // lines that stand ready at least on each side of the one in question
const SPARE = 4; // further ones, so that going to and fro between lines needs no others

export class Listing {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.body = el("pre");
    /** @type {Map<Piece[][], HTMLElement[]>} */
    this.made = new Map(); // text -> the elements of its lines, made when they are first wanted
    this.lines = /** @type {Piece[][]} */ ([]);
    this.from = this.to = 0;
    this.rows = LEAST; // that the box shows
    this.revealed = -1;
    box.append(this.body);
    new ResizeObserver(() => this.revealed >= 0 && this.reveal(this.revealed)).observe(box); // another type size
    box.addEventListener("scroll", () =>
      this.fill(Math.round((box.scrollTop + box.clientHeight / 2) / this.lineHeight)),
    );
  }

  // In pixels.

  get lineHeight() {
    return parseFloat(getComputedStyle(this.body).lineHeight) || 16;
  }

  // Show a text (what `sourceLines` made of it) around a line; the element of that line, or null.
  /** @param {Piece[][]} lines @param {number} index */
  show(lines, index) {
    if (lines !== this.lines) {
      if (!this.made.has(lines)) this.made.set(lines, []);
      this.lines = lines;
      this.from = this.to = 0;
      this.body.replaceChildren();
    }
    this.fill(index);
    return index < lines.length ? this.element(index) : null;
  }

  /** @param {number} index */
  element(index) {
    const elements = this.made.get(this.lines) ?? [];
    elements[index] ??= lineElement(this.lines[index], index + 1);
    return elements[index];
  }

  // Make the lines around one, unless those that the box can show with it stand there already.
  /** @param {number} index */
  fill(index) {
    if (!this.lines.length) return;
    const near = Math.max(LEAST, Math.ceil(this.rows * 0.8)); // the line is in the middle third
    const last = this.lines.length;
    if (Math.max(0, index - near) >= this.from && Math.min(last, index + near) <= this.to) return;
    this.hold(Math.max(0, index - near - SPARE), Math.min(last, index + near + SPARE));
  }

  // Let these lines be elements; those of them that are stay, so that the browser need not lay them out again.
  /** @param {number} from @param {number} to */
  hold(from, to) {
    /** @param {number} begin @param {number} end */
    const range = (begin, end) =>
      Array.from({ length: Math.max(0, end - begin) }, (_, i) => this.element(begin + i));
    for (const line of [
      ...range(this.from, Math.min(from, this.to)),
      ...range(Math.max(to, this.from), this.to),
    ])
      line.remove();
    this.body.prepend(...range(from, Math.min(to, this.from)));
    this.body.append(...range(Math.max(from, this.to), to));
    Object.assign(this, { from, to });
    this.body.style.setProperty("--above", String(from));
    this.body.style.setProperty("--below", String(this.lines.length - to));
  }

  // Bring a line into the middle third of the box, without moving the page. Reads the layout: call it last.
  /** @param {number} index */
  reveal(index) {
    const { box, lineHeight } = this;
    this.revealed = index;
    const top = index * lineHeight;
    const third = box.clientHeight / 3;
    this.rows = Math.ceil((3 * third) / lineHeight);
    if (top >= box.scrollTop + third / 2 && top <= box.scrollTop + 2.2 * third) return;
    box.scrollTop = Math.round((top - third * 1.2) / lineHeight) * lineHeight;
  }
}
