// What the reader has selected or pointed at: an entry, a page frame, a call, a lock, a mapping, a line of the source.

import { entryOfPage, readEntry } from "../data/entries.js";

export class Selection {
  // `now()` is the moment that is shown.
  constructor(now) {
    this.now = now;
    this.clear();
  }

  clear() {
    this.selected = null; // entry of the window, or null: follow the run
    this.page = -1; // a page frame that was pointed at, or -1
    this.pointed = null; // {kind, id} of a lock, a mapping, a line of the source that was pointed at
    this.frameUp = 0; // how many frames up from the innermost the source shows
  }

  // The entry that views describe: the selected one, else the one the run looks at; -1 if neither.
  get entry() {
    return this.selected ?? this.now().window?.cursor ?? -1;
  }

  select(entry) {
    this.page = -1;
    this.selected = this.selected === entry ? null : entry;
  }

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

  selectFrame(up) {
    this.frameUp = Math.max(0, Math.min(up, this.now().stack.length - 1));
  }

  // A frame of memory, and the entry of the window that maps it; once more: none.
  pointAt(page) {
    this.lightFrame(this.page === page ? -1 : page);
  }

  // Light a frame that is named elsewhere, and the entry that maps it.
  lightFrame(page) {
    this.page = page;
    const { window, reader } = this.now();
    const entry = window && page >= 0 ? entryOfPage(reader.machine, window, page) : -1;
    this.selected = entry < 0 ? null : entry;
  }

  // Point at a lock, a mapping, a line of the source; once more: at nothing.
  point(kind, id) {
    this.pointed = this.isPointed(kind, id) ? null : { kind, id };
  }

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
