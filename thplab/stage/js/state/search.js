// What the reader looks for, and the moments that were found.

import { above, below } from "../data/lists.js";
/** @import { Finder } from "../types.js" */
export class Search {
  /** @param {Finder} finder */
  constructor(finder) {
    this.finder = finder;
    this.query = "";
    this.matches = /** @type {number[]} */ ([]);
    this.shown = false; // the field for it
    this.stops = false; // does playing stop at a match?
  }

  /** @param {string} query */
  lookFor(query) {
    this.query = query;
    this.matches = this.finder.find(query);
  }

  /** @param {boolean} shown */
  show(shown) {
    this.shown = shown;
  }

  toggleStops() {
    this.stops = !this.stops;
  }

  // The match after, and before, a moment; without one the moment itself.

  /** @param {number} step */
  after(step) {
    return above(this.matches, step);
  }

  /** @param {number} step */
  before(step) {
    return below(this.matches, step);
  }
}
