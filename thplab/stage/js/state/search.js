// What the reader looks for, and the moments that were found.

import { above, below } from "../data/lists.js";

export class Search {
  constructor(finder) {
    this.finder = finder;
    this.query = "";
    this.matches = [];
    this.shown = false; // the field for it
    this.stops = false; // does playing stop at a match?
  }

  lookFor(query) {
    this.query = query;
    this.matches = this.finder.find(query);
  }

  show(shown) {
    this.shown = shown;
  }

  toggleStops() {
    this.stops = !this.stops;
  }

  // The match after, and before, a moment; without one the moment itself.

  after(step) {
    return above(this.matches, step);
  }

  before(step) {
    return below(this.matches, step);
  }
}
