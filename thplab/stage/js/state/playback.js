// Playing: a step after the other, so many a second.

/** @import { Stage } from "../types.js" */

export const SPEEDS = [2, 5, 10, 30, 60];

export class Playback {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    this.playing = false;
    this.speed = 10;
    this.timer = 0;
  }

  /** @param {boolean} playing */
  set(playing) {
    clearTimeout(this.timer);
    const { stage } = this;
    this.playing = playing;
    if (playing && stage.moment.step === stage.last) stage.move(0);
    if (playing) this.timer = setTimeout(() => stage.act("tick"), 1000 / this.speed);
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = speed;
  }

  /** @param {number} by */
  changeSpeed(by) {
    this.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(this.speed) + by))];
  }

  // The next step, or the match on the way at which playing is to stop.
  tick() {
    if (!this.playing) return;
    const { stage } = this;
    const from = stage.moment.step;
    const next = stage.navigator.next(from, stage.granularity);
    const match = stage.search.stops ? stage.search.after(from) : from;
    const found = match > from && match <= next;
    stage.move(found ? match : next);
    this.set(!found && stage.moment.step > from && stage.moment.step < stage.last);
  }
}
