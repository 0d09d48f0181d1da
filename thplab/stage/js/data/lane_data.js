// Who runs, sleeps, waits for a lock or holds one: the spans of a recording. lanes.py reads them alike.

import { firstAbove } from "./lists.js";

/** @import { LaneState, Reader, Span } from "../types.js" */

/** @type {Span["what"][]} */
const WHAT = ["runs", "midst", "moves", "waits", "holds"]; // as s_what numbers them

/** @param {number} ns */
export function duration(ns) {
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(2)} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(2)} ms`;
  return ns ? `${(ns / 1e3).toFixed(2)} µs` : "0 µs";
}

export class Lanes {
  /** @param {Reader} reader */
  constructor(reader) {
    const c = reader.recording.columns;
    this.reader = reader;
    this.columns = c;
    this.timed = Boolean(reader.header.ledger);
    this.rows = reader.header.lanes.map(({ comm }) => comm);
    /** @type {Span[]} */
    this.spans = Array.from(c.s_what, (what, i) => ({
      who: this.rows[c.s_who[i]],
      what: WHAT[what],
      lock: c.s_lock[i],
      how: c.s_write[i] ? "write" : "read",
      first: c.s_first[i],
      end: c.s_end[i],
    }));
  }

  // The spans that last at a moment, in the order in which they began.
  /** @param {number} step */
  lasting(step) {
    const { s_first: first, s_outer: outer } = this.columns;
    const found = [];
    for (let i = firstAbove(first, step); i; i = outer[i - 1]) {
      if (this.spans[i - 1].end > step) found.push(this.spans[i - 1]);
    }
    return found.reverse();
  }

  /** @param {Span} param0 */
  lockOf({ lock, how }) {
    return `${this.reader.header.objects[lock].label} (${how})`;
  }

  // What each row does at a moment, of which the state is read: [{who, state, does, held}].
  /** @param {number} step @returns {LaneState[]} */
  at(step) {
    const spans = this.lasting(step);
    return this.rows.map((who, row) => {
      const mine = spans.filter((span) => span.who === who);
      return { who, ...this.does(row, step, mine), held: mine.filter(({ what }) => what === "holds") };
    });
  }

  /** @param {number} row @param {number} step @param {Span[]} mine @returns {Pick<LaneState, "state" | "does" | "waitsFor">} */
  does(row, step, mine) {
    /** @param {Span["what"]} what */
    const is = (what) => mine.find((span) => span.what === what);
    const waits = is("waits");
    if (waits) {
      const does = `waits for ${this.lockOf(waits)}${this.from(waits, step)}`;
      return { state: "waits", waitsFor: waits.lock, does };
    }
    if (is("runs"))
      return is("moves") ? { state: "moves", does: "runs, moves pages" } : { state: "runs", does: "runs" };
    if (!is("midst")) return { state: "rests", does: this.rests(row) };
    const { comm } = this.reader.header.tasks[this.columns.m_task[step]];
    return { state: "midst", does: `in the midst of its work, while ${comm} runs` };
  }

  // " since 4400, 85.20 µs"
  /** @param {Span} param0 @param {number} step */
  from({ first }, step) {
    const { m_time: time } = this.columns;
    return ` since ${first}${this.timed ? `, ${duration(time[step] - time[first])}` : ""}`;
  }

  /** @param {number} row */
  rests(row) {
    const { machine, header } = this.reader;
    /** @param {number[]} numbers @param {string} field */
    const values = (numbers, field) =>
      numbers.map((id) => machine.value(header.objects[id], field)).filter((value) => value !== undefined);
    const ended = values(header.lanes[row].threads, "should_stop");
    if (ended.length) return ended.every(Boolean) ? "has ended" : "asleep";
    const users = values(header.lanes[row].mms, "mm_users");
    return users.length && !users.some(Boolean) ? "has exited" : "outside the kernel";
  }

  // Who waited for which lock, and how long (ns) up to a moment.
  /** @param {number} step */
  waited(step) {
    const { m_time: time } = this.columns;
    return this.spans
      .filter(({ what, first }) => what === "waits" && first <= step)
      .map((span) => {
        const ns = time[Math.min(span.end, step)] - time[span.first];
        return { who: span.who, lock: this.lockOf(span), ns };
      });
  }
}

const made = new WeakMap();

// Those of a recording, worked out when they are first asked for.
/** @param {Reader} reader @returns {Lanes} */
export function lanesOf(reader) {
  if (!made.has(reader)) made.set(reader, new Lanes(reader));
  return made.get(reader);
}
