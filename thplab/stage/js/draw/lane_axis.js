// From moments to places on the lanes' axis, and back. With a cost ledger the axis is virtual time: sleeps of
// everybody are drawn short, and a moment that takes no time gets a sliver. Without one it is the moments.

import { duration } from "../data/lane_data.js";
import { firstAbove } from "../data/lists.js";
/** @import { Reader } from "../types.js" */
export const WIDTH = 1000;
const SLIVERS = 0.1; // of the axis, shared by all moments
const SLEEP = 0.04; // of the axis, the most that one sleep takes

export class Axis {
  /** @param {Reader} reader @param {boolean} timed */
  constructor(reader, timed) {
    const { m_time: time, m_task: task } = reader.recording.columns;
    this.last = reader.last;
    this.time = time;
    const idle = reader.header.tasks.map(({ pid }) => pid === 0);
    /** @param {number} n */
    const took = (n) => time[n + 1] - time[n];
    let busy = 0;
    for (let n = 0; n < this.last; n++) if (!idle[task[n]]) busy += took(n);
    this.timed = timed && busy > 0;
    /** @param {number} n */
    const weight = (n) => {
      if (!this.timed) return 1;
      return (idle[task[n]] ? Math.min(took(n), busy * SLEEP) : took(n)) + (SLIVERS * busy) / this.last;
    };
    this.places = new Float64Array(this.last + 1);
    for (let n = 0; n < this.last; n++) this.places[n + 1] = this.places[n] + weight(n);
    const scale = WIDTH / (this.places[this.last] || 1);
    for (let n = 0; n <= this.last; n++) this.places[n] *= scale;
  }

  // Where a moment begins; the last one is at the right end.
  /** @param {number} moment */
  at(moment) {
    return this.places[Math.min(moment, this.last)];
  }

  // The last moment that begins at or before a place.
  /** @param {number} place */
  momentAt(place) {
    return Math.max(0, firstAbove(this.places, place) - 1);
  }

  // Virtual time at a place: within a moment it goes on evenly.
  /** @param {number} place */
  timeAt(place) {
    const moment = this.momentAt(place);
    if (moment === this.last) return this.time[moment];
    const part = (place - this.places[moment]) / (this.places[moment + 1] - this.places[moment] || 1);
    return this.time[moment] + part * (this.time[moment + 1] - this.time[moment]);
  }

  // [{place, text}] of a few marks.
  /** @param {number} count */
  marks(count) {
    return Array.from({ length: count }, (_, i) => {
      const place = (i * WIDTH) / (count - 1);
      return {
        place,
        text: this.timed ? duration(this.timeAt(place) - this.time[0]) : String(this.momentAt(place)),
      };
    });
  }

  get title() {
    return this.timed ? "virtual time" : "moments";
  }
}
