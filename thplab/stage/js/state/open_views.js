// Which views are open, and which one of them is shown alone.

/** @import { Presenting } from "../types.js" */

const SCENE = "scene";
const CODE = ["source", "variables"]; // hidden while presenting, unless they are asked for

export class OpenViews {
  /** @param {Presenting} presenting */
  constructor(presenting) {
    this.presenting = presenting;
    this.names = new Set();
    this.spotlight = "";
    this.inside = /** @type {string[]} */ ([]); // what "look inside" opens beside the scene
  }

  // Nothing but the scene is open.
  get plain() {
    return this.names.size === 1 && this.names.has(SCENE) && !this.spotlight;
  }

  // The views beside the scene, and back to the scene alone.
  lookInside() {
    const others = [...this.names].filter((name) => name !== SCENE);
    if (others.length) this.inside = others;
    this.set(others.length ? [SCENE] : [SCENE, ...this.inside]);
    this.showAll();
  }

  /** @param {Iterable<string>} names */
  set(names) {
    this.names = new Set(names);
  }

  /** @param {string} name */
  toggle(name) {
    if (!this.names.delete(name)) this.names.add(name);
  }

  // One view alone; once more: all again.
  /** @param {number} number */
  spotlightOn(number) {
    const name = [...this.names][number - 1] ?? "";
    this.spotlight = this.spotlight === name ? "" : name;
  }

  showAll() {
    this.spotlight = "";
  }

  /** @param {string} name */
  isShown(name) {
    if (this.spotlight) return name === this.spotlight;
    const hidden = this.presenting.on && !this.presenting.code && CODE.includes(name);
    return this.names.has(name) && !hidden;
  }
}
