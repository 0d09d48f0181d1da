// The scene that stays while the run goes on, if the reader has chosen one; else it is that of the moment.

/** @import { Crumb } from "../types.js" */

export class Zoom {
  pinned = "";

  // One scene further out or in, of those around the moment; the innermost one follows the run.
  /** @param {Crumb[]} links @param {-1 | 1} by */
  move(links, by) {
    const last = links.length - 1;
    const at = this.pinned ? links.findIndex(({ scene }) => scene === this.pinned) : last;
    const wanted = Math.max(0, Math.min(last, (at < 0 ? last : at) + by));
    this.pin(wanted === last ? "" : links[wanted].scene);
  }

  /** @param {string} scene */
  pin(scene) {
    this.pinned = scene;
  }
}
