// What the reader has selected or pointed at: an entry, a page frame, a call, a lock, a mapping, a line of the source.

import { entryOfPage, readEntry } from "../data/entries.js";
/** @import { Moment, Pointed } from "../types.js" */
export class Selection {
  selected = /** @type {number | null} */ (null); // entry of the window, or null: follow the run
  page = -1; // a page frame that was pointed at, or -1
  pointed = /** @type {Pointed | null} */ (null); // a lock, a mapping, a line of the source that was pointed at
  frameUp = 0; // how many frames up from the innermost the source shows

  // `now()` is the moment that is shown.
  /** @param {() => Moment} now */
  constructor(now) {
    this.now = now;
  }

  clear() {
    this.selected = this.pointed = null;
    this.page = -1;
    this.frameUp = 0;
  }

  // The entry that views describe: the selected one, else the one the run looks at; -1 if neither.
  /** @returns {number} */
  get entry() {
    return this.selected ?? this.now().cursor;
  }

  /** @param {number} entry */
  select(entry) {
    this.page = -1;
    this.selected = this.selected === entry ? null : entry;
  }

  /** @param {number} delta */
  selectBy(delta) {
    const { window } = this.now();
    if (!window) return;
    this.page = -1;
    const { entries } = window;
    this.selected = (Math.max(this.entry, 0) + (this.entry < 0 ? 0 : delta) + entries) % entries;
  }

  // The source of the innermost frame, as at each new moment.
  showInnermost() {
    this.frameUp = 0;
  }

  /** @param {number} up */
  selectFrame(up) {
    this.frameUp = Math.max(0, Math.min(up, this.now().stack.length - 1));
  }

  // A frame of memory, and the entry of the window that maps it; once more: none.
  /** @param {number} page */
  pointAt(page) {
    this.lightFrame(this.page === page ? -1 : page);
  }

  // Light a frame that is named elsewhere, and the entry that maps it.
  /** @param {number} page */
  lightFrame(page) {
    this.page = page;
    const { window, reader } = this.now();
    const entry = window && page >= 0 ? entryOfPage(reader.machine, window, page) : -1;
    this.selected = entry < 0 ? null : entry;
  }

  // Point at a lock, a mapping, a line of the source; once more: at nothing.
  /** @param {Pointed["kind"]} kind @param {Pointed["id"]} id */
  point(kind, id) {
    this.pointed = this.isPointed(kind, id) ? null : /** @type {Pointed} */ ({ kind, id });
  }

  /** @param {Pointed["kind"]} kind @param {Pointed["id"]} id @returns {boolean} */
  isPointed(kind, id) {
    return this.pointed?.kind === kind && String(this.pointed.id) === String(id);
  }

  // The line that runs next.
  pointAtLine() {
    const { place } = this.now();
    if (place) this.point("line", [place.source, place.line]);
  }

  // The moment at which the described entry (or else the PMD) got the value it has; without a window this one.
  lastChange() {
    const { window, reader, step } = this.now();
    if (!window?.pmd) return step;
    const cell = this.entry < 0 ? window.pmd.cell : readEntry(reader.machine, window, this.entry).cell;
    return Math.max(reader.timeline.lastChange(cell), 0);
  }
}
