// Stops of a lecture or a lesson: {step, title, views, granularity, notes, ask, choices, answer, shows}.
// A stop that asks holds the run until there is a guess.

/** @import { Stop } from "../types.js" */

const PICTURE = ["scene", "window"];

// The moment from which on the answer is shown.
/** @param {Stop} stop */
export const showsAt = (stop) => stop.shows ?? stop.step + 1;

// The views that may be looked at before the answer.
/** @param {Stop} stop */
export const evidenceOf = (stop) => stop.evidence ?? (stop.views?.length ? stop.views : PICTURE);

// May the picture, and where the run is, be seen before the answer?
/** @param {Stop} stop */
export const showsPicture = (stop) => evidenceOf(stop).includes(PICTURE[0]);

export class Stops {
  /** @param {Stop[]} [list] @param {Record<string, string>} [guesses] of an earlier day: step -> what was guessed */
  constructor(list = [], guesses = {}) {
    this.list = [...list].sort((a, b) => a.step - b.step);
    this.guesses = new Map(); // stop -> what was guessed; "" looked without a guess
    this.seen = new Set(); // stops of which the answer was shown
    this.earlier = new Set(); // stops that were answered on an earlier day
    for (const stop of this.list) {
      if (!(stop.step in guesses)) continue;
      this.guess(stop, guesses[stop.step]);
      this.seen.add(stop);
      this.earlier.add(stop);
    }
  }

  /** @param {Stop} stop @param {string} text */
  guess(stop, text) {
    this.guesses.set(stop, text);
  }

  // The last stop at or before a moment, or null.
  /** @param {number} step */
  at(step) {
    return this.list.filter((stop) => stop.step <= step).pop() ?? null;
  }

  /** @param {number} step */
  after(step) {
    return this.list.find((stop) => stop.step > step) ?? null;
  }

  /** @param {number} step */
  before(step) {
    return this.list.filter((stop) => stop.step < step).pop() ?? null;
  }

  // The stop that waits for a guess at a moment, or null.
  /** @param {number} step */
  asking(step) {
    return this.list.find((stop) => stop.step === step && stop.ask && !this.guesses.has(stop)) ?? null;
  }

  // The stop whose answer is still to come at a moment, or null: until then only its evidence is shown.
  /** @param {number} step */
  covering(step) {
    for (const stop of this.list) if (this.guesses.has(stop) && step >= showsAt(stop)) this.seen.add(stop);
    return (
      this.list.find(
        (stop) => stop.ask && stop.step <= step && step < showsAt(stop) && !this.seen.has(stop),
      ) ?? null
    );
  }

  // How far a move may go: to the first stop on the way that still waits for a guess.
  /** @param {number} from @param {number} to */
  gate(from, to) {
    const waiting = this.list.find(
      (stop) => stop.ask && !this.guesses.has(stop) && stop.step >= from && stop.step < to,
    );
    return waiting ? waiting.step : to;
  }

  // The stop whose guess is shown at a moment: the last that was answered, or null.
  /** @param {number} step */
  answered(step) {
    return this.list.filter((stop) => stop.step <= step && this.guesses.get(stop)).pop() ?? null;
  }
}
