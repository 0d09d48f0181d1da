// Where a step leads, in each granularity. All lists are ascending moment numbers.

import { NO_FRAME } from "./frames.js";
import { firstAbove } from "./lists.js";
/** @import { Items, Reader } from "../types.js" */
export const GRANULARITIES = ["event", "entry", "function", "tracepoint", "line", "pass"];

export class Navigator {
  /** @param {Reader} reader */
  constructor(reader) {
    const { header, columns } = reader.recording;
    this.frames = reader.frames;
    this.owner = columns.m_frame;
    this.last = reader.last;
    this.lists = /** @type {Record<string, Items | null>} */ ({});
    for (const [name, section] of Object.entries(header.granularity)) {
      this.lists[name] = section ? columns[section] : null;
    }
  }

  // The granularity of the story; where nothing is told of the run, the next finer one that has stops.
  coarsest() {
    return GRANULARITIES.find((name) => this.stops(name) > 2) ?? "line";
  }

  // The first moment that tells something.
  first() {
    const list = this.lists[GRANULARITIES[0]];
    return list?.find((step) => step > 0) ?? 0;
  }

  // How many stops a granularity has.
  /** @param {string} granularity */
  stops(granularity) {
    const list = this.lists[granularity];
    return list ? list.length : this.last + 1;
  }

  /** @param {number} step @param {string} granularity */
  next(step, granularity) {
    const list = this.lists[granularity];
    if (!list) return Math.min(step + 1, this.last);
    return list[Math.min(firstAbove(list, step), list.length - 1)];
  }

  /** @param {number} step @param {string} granularity */
  previous(step, granularity) {
    const list = this.lists[granularity];
    if (!list) return Math.max(step - 1, 0);
    return list[Math.max(firstAbove(list, step - 1) - 1, 0)];
  }

  // The next moment of this function itself, past all that it calls.
  /** @param {number} step */
  over(step) {
    const frame = this.owner[step];
    if (frame === NO_FRAME) return this.next(step, "line");
    let n = step + 1;
    while (n < this.last && n <= this.frames.last[frame] && this.owner[n] !== frame) n++;
    return Math.min(n, this.last);
  }

  // Back in the caller, when this function has returned.
  /** @param {number} step */
  out(step) {
    const frame = this.owner[step];
    return frame === NO_FRAME ? this.last : Math.min(this.frames.last[frame] + 1, this.last);
  }
}
