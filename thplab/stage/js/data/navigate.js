// Where a step leads, in each granularity. All lists are ascending moment numbers.

import { NO_FRAME } from "./frames.js";
import { firstAbove } from "./lists.js";

export const GRANULARITIES = ["line", "entry", "function", "tracepoint", "pass"];

export class Navigator {
  constructor(reader) {
    const { header, columns } = reader.recording;
    this.frames = reader.frames;
    this.owner = columns.m_frame;
    this.last = reader.last;
    this.lists = {};
    for (const [name, section] of Object.entries(header.granularity)) {
      this.lists[name] = section ? columns[section] : null;
    }
  }

  // How many stops a granularity has.
  stops(granularity) {
    const list = this.lists[granularity];
    return list ? list.length : this.last + 1;
  }

  next(step, granularity) {
    const list = this.lists[granularity];
    if (!list) return Math.min(step + 1, this.last);
    return list[Math.min(firstAbove(list, step), list.length - 1)];
  }

  previous(step, granularity) {
    const list = this.lists[granularity];
    if (!list) return Math.max(step - 1, 0);
    return list[Math.max(firstAbove(list, step - 1) - 1, 0)];
  }

  // The next moment of this function itself, past all that it calls.
  over(step) {
    const frame = this.owner[step];
    if (frame === NO_FRAME) return this.next(step, "line");
    let n = step + 1;
    while (n < this.last && n <= this.frames.last[frame] && this.owner[n] !== frame) n++;
    return Math.min(n, this.last);
  }

  // Back in the caller, when this function has returned.
  out(step) {
    const frame = this.owner[step];
    return frame === NO_FRAME ? this.last : Math.min(this.frames.last[frame] + 1, this.last);
  }
}
