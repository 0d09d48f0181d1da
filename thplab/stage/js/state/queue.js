// One picture for each key press. The first of a burst is drawn at once; each further one gets an animation
// frame of its own, so that none is skipped, unless more wait than can be caught up with in a second.

/** @import { Action } from "../types.js" */

const BACKLOG = 48;

export class Queue {
  // `run` carries out an action, `paint` draws what came out.
  /** @param {(action: Action) => void} run @param {() => void} paint */
  constructor(run, paint) {
    this.run = run;
    this.paint = paint;
    this.waiting = /** @type {Action[]} */ ([]);
    this.busy = false;
  }

  /** @param {Action} action */
  push(action) {
    if (this.busy && !document.hidden) {
      this.waiting.push(action);
      return;
    }
    this.flush();
    this.run(action);
    this.paint();
    if (this.busy) return;
    this.busy = true;
    // The frame that now comes shows this picture; the next action may run in the one after it.
    requestAnimationFrame(() => requestAnimationFrame(() => this.frame()));
  }

  frame() {
    if (!this.waiting.length) {
      this.busy = false;
      return;
    }
    const count = Math.max(1, this.waiting.length - BACKLOG);
    for (const action of this.waiting.splice(0, count)) this.run(action);
    this.paint();
    requestAnimationFrame(() => this.frame());
  }

  // Carry out at once whatever waits.
  flush() {
    for (const action of this.waiting.splice(0)) this.run(action);
  }
}
