// Which views are open, and which one of them is shown alone.

const CODE = ["source", "variables"]; // hidden while presenting, unless they are asked for

export class OpenViews {
  constructor(presenting) {
    this.presenting = presenting;
    this.names = new Set();
    this.spotlight = "";
  }

  set(names) {
    this.names = new Set(names);
  }

  toggle(name) {
    if (!this.names.delete(name)) this.names.add(name);
  }

  // One view alone; once more: all again.
  spotlightOn(number) {
    const name = [...this.names][number - 1] ?? "";
    this.spotlight = this.spotlight === name ? "" : name;
  }

  showAll() {
    this.spotlight = "";
  }

  isShown(name) {
    if (this.spotlight) return name === this.spotlight;
    const hidden = this.presenting.on && !this.presenting.code && CODE.includes(name);
    return this.names.has(name) && !hidden;
  }
}
