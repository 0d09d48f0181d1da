// Moments that the reader keeps, and the text that opens a moment again.

export class Bookmarks {
  constructor() {
    this.steps = /** @type {number[]} */ ([]);
    this.link = ""; // begins the text that opens a moment again
    this.text = ""; // that text, while it is shown
  }

  /** @param {number[]} steps */
  set(steps) {
    this.steps = [...steps];
  }

  /** @param {string} link */
  setLink(link) {
    this.link = link;
  }

  // Keep a moment; once more: not any more.
  /** @param {number} step */
  toggle(step) {
    const others = this.steps.filter((each) => each !== step);
    this.steps = others.length < this.steps.length ? others : [...others, step].sort((a, b) => a - b);
  }

  /** @param {number} step */
  showLink(step) {
    this.text = `${this.link}${step}`;
  }

  hideLink() {
    this.text = "";
  }
}
