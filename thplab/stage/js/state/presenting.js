// Presenting: since when, and what the speaker has switched on.

export class Presenting {
  on = false;
  since = 0;
  blank = false;
  notes = false;
  code = false; // are source and variables shown, too?

  clear() {
    this.blank = this.notes = this.code = false;
  }

  /** @param {boolean} on */
  turn(on) {
    this.on = on;
    this.restartClock();
    if (!on) this.clear();
  }

  // Neither blank nor with code: as a stop begins.
  showPicture() {
    this.blank = this.code = false;
  }

  restartClock() {
    this.since = Date.now();
  }

  /** @param {"blank" | "notes" | "code"} what */
  toggle(what) {
    this[what] = !this[what];
  }
}
