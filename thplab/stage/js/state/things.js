// What can be chosen in the scene that is shown (a process, a window), and which of it is; entries of a table are the
// concern of the selection.

/** @import { Thing } from "../types.js" */

export class Things {
  chosen = "";
  said = ""; // what is chosen, the thing or else the entry, in words
  list = /** @type {Thing[]} */ ([]);
  entersEntry = /** @type {((entry: number) => number) | null} */ (null);

  // What the scene has, each time that it is drawn. What is no longer there is not chosen any more.
  /** @param {Thing[]} list @param {((entry: number) => number) | null} entersEntry */
  offer(list, entersEntry) {
    this.list = list;
    this.entersEntry = entersEntry;
    if (!this.current) this.chosen = "";
  }

  get current() {
    return this.list.find(({ key }) => key === this.chosen) ?? null;
  }

  // The one before or after; at first the one that the run is at.
  /** @param {number} by */
  move(by) {
    const { length } = this.list;
    const at = this.list.findIndex(({ key }) => key === this.chosen);
    const here = this.list.findIndex((thing) => thing.here);
    this.chosen = this.list[at < 0 ? Math.max(here, 0) : (at + by + length) % length].key;
  }

  /** @param {string} key */
  choose(key) {
    this.chosen = key;
  }

  clear() {
    this.chosen = "";
  }

  // The moment at which the run goes into what is chosen, the thing or else the entry; -1: it never does.
  /** @param {number | null} entry */
  enters(entry) {
    if (this.current) return this.current.enters();
    return entry === null ? -1 : (this.entersEntry?.(entry) ?? -1);
  }
}
