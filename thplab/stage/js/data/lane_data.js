// Who runs, sleeps, waits for a lock or holds one, followed once through a recording. lanes.py has the same rules.

import { firstAbove } from "./lists.js";

/** @import { LaneState, ObjectInfo, Reader, Span, Value } from "../types.js" */

const DAEMONS = ["khugepaged", "kcompactd0", "kswapd0"];
const IDLE = "swapper";

/** @param {number} ns */
export function duration(ns) {
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(2)} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(2)} ms`;
  return ns ? `${(ns / 1e3).toFixed(2)} µs` : "0 µs";
}

// "munmap by a" -> "a"
/** @param {string} waiter @returns {string} */
const nameOf = (waiter) => waiter.split(" by ").slice(-1)[0];

export class Lanes {
  /** @param {Reader} reader */
  constructor(reader) {
    this.reader = reader;
    this.columns = reader.recording.columns;
    this.timed = Boolean(reader.header.ledger);
    this.spans = /** @type {Span[]} */ ([]); // {who, what: holds or waits, lock, how, first, end}: changes; end null: to the end
    this.open = /** @type {Map<string, Span[]>} */ (new Map());
    this.stack = /** @type {string[]} */ ([]);
    this.switches = /** @type {{ first: number, stack: string[] }[]} */ ([]);
    this.watched = /** @type {Map<number, { field: string, lock?: any }>} */ (new Map());
    this.comm = this.waiter = this.threads = this.mms = /** @type {Map<number, any>} */ (new Map());
    const { timeline } = reader;
    const before = timeline.step;
    timeline.seek(reader.last); // by now everything has a name
    this.readNames();
    timeline.seek(0);
    this.begin();
    timeline.seek(before);
    this.follow();
    this.switchedAt = this.switches.map(({ first }) => first);
    this.compacting = this.compaction();
    this.rows = this.findRows();
  }

  readNames() {
    const { machine, header } = this.reader;
    /** @param {string} type @param {(object: ObjectInfo) => any} read @returns {Map<number, any>} */
    const of = (type, read) =>
      new Map(
        header.objects.filter((object) => object.type === type).map((object) => [object.id, read(object)]),
      );
    this.comm = of("Task", (task) => machine.value(task, "comm"));
    this.waiter = of("Waiter", (waiter) => ({
      who: nameOf(machine.value(waiter, "who")),
      how: machine.value(waiter, "write") ? "write" : "read",
    }));
    /** @param {ObjectInfo} object */
    const commOf = (object) => this.comm.get(machine.value(object, "task").ref);
    this.threads = of("Kthread", commOf);
    this.mms = of("Mm", commOf);
  }

  // The state of all locks, and who runs, before the first change.
  begin() {
    const { machine } = this.reader;
    this.stack = [this.comm.get(machine.value(machine.root, "current").ref)];
    this.switches = [{ first: -1, stack: [...this.stack] }]; // who is in the midst of something, innermost last
    this.watched = new Map([[machine.cellOf(machine.root, "current"), { field: "current" }]]);
    for (const lock of machine.locks) {
      for (const field of ["readers", "writer", "waiters"]) {
        this.watched.set(machine.cellOf(lock, field), { lock: lock.id, field });
        const value = machine.value(lock, field);
        if (value !== undefined) this.changed(-1, lock.id, field, value);
      }
    }
  }

  follow() {
    const { columns } = this;
    const { header } = this.reader;
    for (let i = columns.m_changes_end[0]; i < columns.c_cell.length; i++) {
      const watched = this.watched.get(columns.c_cell[i]);
      if (!watched) continue;
      const value = columns.c_kind[i] === 1 ? header.values[columns.c_lo[i]] : columns.c_lo[i];
      if (watched.field === "current") this.switchTo(i, this.comm.get(value.ref));
      else this.changed(i, watched.lock, watched.field, value);
    }
  }

  /** @param {number} change @param {number} lock @param {string} field @param {Value} value */
  changed(change, lock, field, value) {
    const held = this.opened(lock, field);
    if (field === "readers") this.readers(change, lock, held, value);
    else if (field === "waiters")
      this.waiters(
        change,
        lock,
        held,
        value.tuple.map((/** @type {{ ref: number }} */ { ref }) => this.waiter.get(ref)),
      );
    else {
      this.close(change, held, () => true);
      if (value !== null)
        this.note(held, { who: value, what: "holds", lock, how: "write", first: change, end: null });
    }
  }

  // Whoever goes on was in the midst of something, or begins.
  /** @param {number} change @param {string} comm */
  switchTo(change, comm) {
    const at = this.stack.indexOf(comm);
    if (at < 0) this.stack.push(comm);
    else this.stack.length = at + 1;
    this.switches.push({ first: change, stack: [...this.stack] });
  }

  /** @param {number} change @param {number} lock @param {Span[]} held @param {number} count */
  readers(change, lock, held, count) {
    const who = this.stack[this.stack.length - 1];
    while (held.length < count)
      this.note(held, { who, what: "holds", lock, how: "read", first: change, end: null });
    while (held.length > count) {
      const mine = held.filter((span) => span.who === who);
      const span = (mine.length ? mine : held).slice(-1)[0];
      this.close(change, held, (each) => each === span);
    }
  }

  /**
   * @param {number} change
   * @param {number} lock
   * @param {Span[]} held
   * @param {{ who: string, how: Span["how"] }[]} wanted
   */
  waiters(change, lock, held, wanted) {
    this.close(change, held, (span) => !wanted.some(({ who }) => who === span.who));
    for (const { who, how } of wanted) {
      if (!held.some((span) => span.who === who))
        this.note(held, { who, what: "waits", lock, how, first: change, end: null });
    }
  }

  /** @param {number} lock @param {string} field */
  opened(lock, field) {
    const key = `${lock} ${field}`;
    const held = this.open.get(key) ?? [];
    this.open.set(key, held);
    return held;
  }

  /** @param {Span[]} held @param {Span} span */
  note(held, span) {
    held.push(span);
    this.spans.push(span);
  }

  /** @param {number} change @param {Span[]} held @param {(span: Span) => boolean} which */
  close(change, held, which) {
    for (const span of held.filter(which)) {
      span.end = change;
      held.splice(held.indexOf(span), 1);
    }
  }

  // Who moved pages, from one moment to another: told by the trace.
  compaction() {
    const { header, frames, last } = this.reader;
    const begun = new Map();
    const found = /** @type {{ who: string, from: number, to: number }[]} */ ([]);
    header.trace.forEach(({ event }, i) => {
      if (event !== "mm_compaction_begin" && event !== "mm_compaction_end") return;
      const moment = frames.momentOfTrace(i);
      const who = this.runner(moment);
      if (event === "mm_compaction_begin") begun.set(who, moment);
      else if (begun.has(who)) {
        found.push({ who, from: begun.get(who), to: moment });
        begun.delete(who);
      }
    });
    return [...found, ...[...begun].map(([who, from]) => ({ who, from, to: last + 1 }))];
  }

  /** @param {number} moment */
  runner(moment) {
    return this.reader.header.tasks[this.columns.m_task[moment]].comm;
  }

  findRows() {
    const { header } = this.reader;
    const mine = header.focus ? [this.mms.get(header.focus.mm)] : [];
    const ran = header.tasks.filter(({ pid }) => pid).map(({ comm }) => comm);
    const everybody = [...mine, ...ran, ...this.spans.map(({ who }) => who), ...this.threads.values()];
    const names = [...new Set(everybody)].filter((name) => name !== IDLE);
    return names.sort((a, b) => DAEMONS.indexOf(a) - DAEMONS.indexOf(b));
  }

  // The first moment that shows a change.
  /** @param {number} change */
  since(change) {
    return change < 0 ? 0 : firstAbove(this.columns.m_changes_end, change);
  }

  /** @param {Span} param0 */
  lockOf({ lock, how }) {
    return `${this.reader.header.objects[lock].label} (${how})`;
  }

  // What each row does at a moment: [{who, state, does, spans}].
  /** @param {number} step @returns {LaneState[]} */
  at(step) {
    const applied = this.columns.m_changes_end[step];
    const { stack } = this.switches[firstAbove(this.switchedAt, applied - 1) - 1];
    const spans = this.spans.filter(({ first, end }) => first < applied && (end === null || end >= applied));
    return this.rows.map((who) => {
      const mine = spans.filter((span) => span.who === who);
      return { who, ...this.does(who, step, stack, mine), held: mine.filter(({ what }) => what === "holds") };
    });
  }

  /** @param {string} who @param {number} step @param {string[]} stack @param {Span[]} mine @returns {Pick<LaneState, "state" | "does" | "waitsFor">} */
  does(who, step, stack, mine) {
    const waits = mine.find(({ what }) => what === "waits");
    const runner = stack[stack.length - 1];
    if (waits)
      return {
        state: "waits",
        waitsFor: waits.lock,
        does: `waits for ${this.lockOf(waits)}${this.from(waits, step)}`,
      };
    if (runner === who) {
      const moving = this.compacting.some(
        ({ who: each, from, to }) => each === who && from <= step && step < to,
      );
      return { state: moving ? "moves" : "runs", does: moving ? "runs, moves pages" : "runs" };
    }
    if (stack.includes(who))
      return { state: "midst", does: `in the midst of its work, while ${runner} runs` };
    return { state: "rests", does: this.rests(who) };
  }

  // " since 4400, 85.20 µs"
  /** @param {Span} span @param {number} step */
  from(span, step) {
    const since = this.since(span.first);
    const { m_time: time } = this.columns;
    return ` since ${since}${this.timed ? `, ${duration(time[step] - time[since])}` : ""}`;
  }

  // Reads the state of now.
  /** @param {string} who */
  rests(who) {
    const { machine, header } = this.reader;
    /** @param {Map<number, string>} names @param {string} field */
    const are = (names, field) =>
      [...names]
        .filter(([id, comm]) => comm === who && machine.value(header.objects[id], field) !== undefined)
        .map(([id]) => header.objects[id]);
    const threads = are(this.threads, "task");
    if (threads.length)
      return threads.every((thread) => machine.value(thread, "should_stop")) ? "has ended" : "asleep";
    const mms = are(this.mms, "mm_users");
    return mms.length && !mms.some((mm) => machine.value(mm, "mm_users"))
      ? "has exited"
      : "outside the kernel";
  }

  // Who waited for which lock, and how long (ns) up to a moment.
  /** @param {number} step */
  waited(step) {
    const applied = this.columns.m_changes_end[step];
    const { m_time: time } = this.columns;
    return this.spans
      .filter(({ what, first }) => what === "waits" && first < applied)
      .map((span) => {
        const over = span.end === null ? step : Math.min(this.since(span.end), step);
        return { who: span.who, lock: this.lockOf(span), ns: time[over] - time[this.since(span.first)] };
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
