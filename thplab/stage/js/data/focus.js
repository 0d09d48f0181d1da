// Which window a moment is about: the one that the running function works on, else the recording's own.

import { NO_FRAME } from "./frames.js";
/** @import { Frame, Frames, Items, Machine, ObjectInfo, Recording, WindowPlace } from "../types.js" */
export class Focus {
  /** @param {Recording} recording @param {Machine} machine @param {Frames} frames */
  constructor(recording, machine, frames) {
    this.machine = machine;
    this.frames = frames;
    this.header = recording.header;
    const g = this.header.geometry;
    this.size = BigInt(g.entries) << BigInt(g.page_shift);
    this.pageShift = BigInt(g.page_shift);
    const focus = this.header.focus;
    this.home = focus ? { mm: this.header.objects[focus.mm], address: BigInt(focus.address) } : null;
    this.known = new Map();
    this.source = this.followMoments(recording.columns);
  }

  // For each moment the moment whose frame says which window; -1: the recording's own window. Between two
  // windows of one task the last one stays.
  /** @param {Recording["columns"]} param0 */
  followMoments({ m_frame: owner, m_task: task }) {
    const from = new Int32Array(owner.length).fill(-1);
    for (let n = 1; n < owner.length; n++) {
      if (owner[n] === NO_FRAME) continue;
      if (this.frameWithWindow(owner[n]) !== NO_FRAME) from[n] = n;
      else if (task[n] === task[n - 1]) from[n] = from[n - 1];
    }
    return from;
  }

  // The frame itself or the nearest caller that has a window's address in a variable.
  /** @param {number} frame @returns {number} */
  frameWithWindow(frame) {
    if (!this.known.has(frame)) {
      const own =
        this.frames.local(frame, "start_addr", 0, true) ?? this.frames.local(frame, "address", 0, true);
      const parent = this.frames.parent(frame);
      const found =
        typeof own === "number" ? frame : parent === NO_FRAME ? NO_FRAME : this.frameWithWindow(parent);
      this.known.set(frame, found);
    }
    return this.known.get(frame);
  }

  /** @param {number} step @param {Items} owner @returns {WindowPlace | null} */
  at(step, owner) {
    const from = this.source[step];
    if (from < 0) return this.home;
    const frame = this.frameWithWindow(owner[from]);
    const own =
      this.frames.local(frame, "start_addr", from, true) ?? this.frames.local(frame, "address", from, true);
    const address = BigInt(own) - (BigInt(own) % this.size);
    return { mm: this.mmOf(frame, from) ?? this.home?.mm ?? null, address };
  }

  /** @param {number} frame @param {number} step @returns {ObjectInfo | null} */
  mmOf(frame, step) {
    for (let at = frame; at !== NO_FRAME; at = this.frames.parent(at)) {
      const mm = this.frames.local(at, "mm", step, true);
      if (mm?.ref !== undefined) return this.header.objects[mm.ref];
      const vma = this.frames.local(at, "vma", step, true);
      const ofVma = vma?.ref === undefined ? null : this.machine.value(this.header.objects[vma.ref], "mm");
      if (ofVma) return this.header.objects[ofVma.ref];
    }
    return null;
  }

  // The entry that is being looked at: `index`, or an address inside the window; -1 if there is none.
  /** @param {Frame[]} stack @param {number} step @param {WindowPlace} window */
  cursor(stack, step, window) {
    const frame = stack.find((each) => each.source >= 0);
    if (!frame) return -1;
    const index = this.frames.local(frame.number, "index", step);
    if (typeof index === "number") return index < Number(this.size >> this.pageShift) ? index : -1;
    for (const name of ["addr", "address"]) {
      const address = this.frames.local(frame.number, name, step);
      if (typeof address !== "number") continue;
      const offset = BigInt(address) - window.address;
      if (offset > 0n && offset < this.size) return Number(offset >> this.pageShift);
    }
    return -1;
  }
}
