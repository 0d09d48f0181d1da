// Call frames: which moments belong to which, who called whom, and their local variables.

import { firstAbove } from "./lists.js";
import { hex64 } from "./machine.js";
/** @import { Frame, Recording, Value } from "../types.js" */
export const NO_FRAME = 0xffffffff;

export class Frames {
  /** @param {Recording} recording */
  constructor(recording) {
    this.recordMoment = new Uint32Array(recording.columns.l_name.length);
    /** @type {Map<number, Map<number, number[]>>} */
    this.records = new Map(); // frame -> name number -> record numbers
    this.header = recording.header;
    this.columns = recording.columns;
    const owner = this.columns.m_frame;
    const count = this.columns.f_function.length;
    this.first = new Int32Array(count).fill(-1);
    this.last = new Int32Array(count).fill(-1);
    for (let n = 0; n < owner.length; n++) {
      if (owner[n] === NO_FRAME) continue;
      if (this.first[owner[n]] < 0) this.first[owner[n]] = n;
      this.last[owner[n]] = n;
    }
    const sources = new Map(this.header.sources.map((source, number) => [source.file, number]));
    this.sourceOf = this.header.functions.map((fn) => sources.get(fn.file) ?? -1);
    this.numberOfName = new Map(this.header.names.map((name, number) => [name, number]));
    this.indexLocals();
  }

  indexLocals() {
    const { m_locals_end: ends, m_frame: owner, l_name: names } = this.columns;

    for (let n = 0, i = 0; n < ends.length; n++) {
      for (; i < ends[n]; i++) {
        this.recordMoment[i] = n;
        const ofFrame = this.records.get(owner[n]) ?? new Map();
        this.records.set(owner[n], ofFrame);
        if (!ofFrame.has(names[i])) ofFrame.set(names[i], []);
        ofFrame.get(names[i]).push(i);
      }
    }
  }

  /** @param {number} frame */
  parent(frame) {
    const above = this.columns.f_parent[frame];
    return above ? above - 1 : NO_FRAME;
  }

  /** @param {number} frame */
  fn(frame) {
    return this.header.functions[this.columns.f_function[frame]];
  }

  /** @param {number} frame */
  labels(frame) {
    return this.header.labels[this.columns.f_labels[frame]];
  }

  // What a reader would call the function: the kernel's name where it has one.
  /** @param {number} frame */
  nameOf(frame) {
    const labels = this.labels(frame);
    return labels.length ? labels[0][0] : this.fn(frame).name;
  }

  // The call stack at a moment, innermost first; `line` is where each frame stands.
  /** @param {number} step @returns {Frame[]} */
  stack(step) {
    const frames = [];
    let line = this.columns.m_line[step];
    for (let number = this.columns.m_frame[step]; number !== NO_FRAME; number = this.parent(number)) {
      const { name, file, kernel_file: kernelFile } = this.fn(number);
      const source = this.sourceOf[this.columns.f_function[number]];
      frames.push({ number, name, file, kernelFile, line, source, labels: this.labels(number) });
      line = this.columns.f_call_line[number];
    }
    return frames;
  }

  // Where the source will go on, or else where it was left: the place to show while nothing of it runs.
  /** @param {number} step */
  nearestSource(step) {
    const { m_frame: owner, m_line: lines, f_function: functions } = this.columns;
    /** @param {number} n */
    const at = (n) => (owner[n] === NO_FRAME ? -1 : this.sourceOf[functions[owner[n]]]);
    let n = step;
    while (n < owner.length && at(n) < 0) n++;
    if (n === owner.length) for (n = step; n >= 0 && at(n) < 0; n--);
    return n < 0 ? null : { source: at(n), line: lines[n] };
  }

  // The last record of a local variable at or before a moment; -1 if there is none.
  /** @param {number[]} records @param {number} step */
  recordAt(records, step) {
    let low = 0;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.recordMoment[records[middle]] > step) high = middle;
      else low = middle + 1;
    }
    return low ? records[low - 1] : -1;
  }

  // The value of one local variable: number, BigInt, null, string or reference; undefined if not set.
  /** @param {number} frame @param {string} name @param {number} step @returns {Value} */
  local(frame, name, step) {
    const records = this.records.get(frame)?.get(this.numberOfName.get(name) ?? -1);
    if (!records) return undefined;
    const record = this.recordAt(records, step);
    return record < 0 ? undefined : this.recordValue(record);
  }

  /** @param {number} i @returns {Value} */
  recordValue(i) {
    const { l_kind: kind, l_lo: lo, l_hi: hi } = this.columns;
    if (kind[i] === 255) return undefined;
    if (kind[i] === 1) return this.header.values[lo[i]];
    return hi[i] > 0x1fffff ? (BigInt(hi[i]) << 32n) | BigInt(lo[i]) : lo[i] + hi[i] * 4294967296;
  }

  // All local variables of a frame at a moment: [{name, text, varies, fresh}] in order of appearance.
  /** @param {number} frame @param {number} step */
  locals(frame, step) {
    const found = [];
    for (const [number, records] of this.records.get(frame) ?? []) {
      const record = this.recordAt(records, step);
      const name = this.header.names[number];
      if (record < 0 || name.startsWith("_") || this.columns.l_kind[record] === 255) continue;
      const fresh = this.recordMoment[record] === step;
      found.push({ name, record, text: this.recordText(record), varies: records.length > 1, fresh });
    }
    return found;
  }

  /** @param {number} i */
  recordText(i) {
    const { l_kind: kind, l_lo: lo, l_hi: hi, l_name: names } = this.columns;
    const asHex = hi[i] || this.header.names[names[i]].endsWith("pfn");
    if (kind[i] === 0) return asHex ? hex64({ lo: lo[i], hi: hi[i] }) : String(lo[i]);
    const value = this.header.values[lo[i]];
    if (value === null) return "None";
    if (typeof value === "string") return `"${value}"`;
    if (typeof value === "number") return String(value);
    if (value.enum !== undefined) return value.enum;
    return value.ref === undefined ? "(...)" : `<${this.header.objects[value.ref].label}>`;
  }

  // The moment at which trace line `number` was printed.
  /** @param {number} number */
  momentOfTrace(number) {
    return firstAbove(this.columns.m_trace_end, number);
  }
}
