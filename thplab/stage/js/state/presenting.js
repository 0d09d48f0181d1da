// Presenting: since when, and what the speaker has switched on.

export class Presenting {
  constructor() {
    this.on = false;
    this.since = 0;
    this.clear();
  }

  clear() {
    this.blank = false;
    this.notes = false;
    this.code = false; // are source and variables shown, too?
  }

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

  toggle(what) {
    this[what] = !this[what];
  }
}
