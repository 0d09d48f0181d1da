// Moments by what happens at them: "isolate", "fn scan_pmd", "verdict exceed", "counter pgalloc", "addr 0x7f00".

import { NO_FRAME } from "./frames.js";
import { firstAbove } from "./lists.js";
import { VERDICT_FUNCTIONS } from "./verdicts.js";

/** @import { Reader, Sentence } from "../types.js" */

const [LINE, CALL, RETURN] = [0, 1, 2];

export const KINDS = [
  ["fn NAME", "a function is entered"],
  ["verdict WORD", "a scan result is returned"],
  ["trace WORD", "a trace line is printed"],
  ["counter NAME", "a counter or a knob changes"],
  ["addr 0x…", "an entry on the way to this address changes"],
  ["pfn 0x…", "something of this page frame changes"],
  ["lock NAME", "a lock is taken or released"],
  ["task NAME", "a process or daemon goes on"],
];

export class Finder {
  /** @param {Reader} reader */
  constructor(reader) {
    this.reader = reader;
    this.header = reader.header;
    this.columns = reader.recording.columns;
    /** @type {Map<string, number[]>} */
    this.found = new Map();
    /** @type {Record<string, (text: string) => number[]>} */
    this.kinds = {
      fn: (text) => this.calls(text),
      verdict: (text) => this.verdicts(text),
      trace: (text) => this.traceLines(text),
      counter: (text) => this.changes(this.counterCells(text)),
      addr: (text) => this.changes(this.addressCells(text)),
      pfn: (text) => this.changes(this.frameCells(text)),
      lock: (text) => this.changes(this.lockCells(text)),
      task: (text) => this.switches(text),
    };
  }

  // Ascending moments that a query means; none for an empty one.
  /** @param {string} query @returns {number[]} */
  find(query) {
    const text = query.trim().toLowerCase();
    if (!text) return [];
    let found = this.found.get(text);
    if (!found) {
      const [kind, ...rest] = text.split(/\s+/);
      const chosen = Object.hasOwn(this.kinds, kind) ? this.kinds[kind](rest.join(" ")) : this.anything(text);
      found = [...new Set(chosen)].sort((a, b) => a - b);
      this.found.set(text, found);
    }
    return found;
  }

  /** @param {string} text */
  anything(text) {
    return [
      ...this.calls(text),
      ...this.traceLines(text),
      ...this.sentences(text),
      ...this.sourceLines(text),
    ];
  }

  /** @param {(moment: number) => unknown} test */
  where(test) {
    const moments = /** @type {number[]} */ ([]);
    for (let n = 0; n < this.columns.m_kind.length; n++) if (test(n)) moments.push(n);
    return moments;
  }

  /** @param {string} text */
  calls(text) {
    const { m_kind: kind, m_frame: owner, f_function: fn, f_labels: labels } = this.columns;
    const ours = this.header.functions.map(({ name }) => name.toLowerCase().includes(text));
    const theirs = this.header.labels.map((names) =>
      names.some(([name]) => name.toLowerCase().includes(text)),
    );
    return this.where((n) => kind[n] === CALL && (ours[fn[owner[n]]] || theirs[labels[owner[n]]]));
  }

  // Returns of the functions that decide: the sentence, or the scan result in a local variable, has the word.
  /** @param {string} text */
  verdicts(text) {
    const { m_kind: kind, m_frame: owner, f_function: fn } = this.columns;
    const { frames } = this.reader;
    const decides = this.header.functions.map(({ name }) => VERDICT_FUNCTIONS.includes(name));
    return this.told(({ moment: n, sentence }) => {
      if (kind[n] !== RETURN || !decides[fn[owner[n]]]) return false;
      const result = frames.local(owner[n], "result", n)?.enum ?? "";
      return `${result} ${sentence}`.toLowerCase().includes(text);
    });
  }

  /** @param {string} text */
  traceLines(text) {
    const moments = /** @type {number[]} */ ([]);
    this.header.trace.forEach((line, i) => {
      if (line.text.toLowerCase().includes(text)) moments.push(this.reader.frames.momentOfTrace(i));
    });
    return moments;
  }

  /** @param {string} text */
  sentences(text) {
    return this.told(({ sentence }) => sentence.toLowerCase().includes(text));
  }

  // The moments at which something is told that passes a test.
  /** @param {(told: Sentence) => boolean} test */
  told(test) {
    const { story } = this.reader;
    const all = Array.from({ length: story.length }, (_, place) => story.read(place));
    return all.filter(test).map(({ moment }) => moment);
  }

  /** @param {string} text */
  sourceLines(text) {
    const { m_kind: kind, m_frame: owner, m_line: line, f_function: fn } = this.columns;
    const { sourceOf } = this.reader.frames;
    const has = this.reader.lines.map((lines) => lines.map((each) => each.toLowerCase().includes(text)));
    return this.where(
      (n) => kind[n] === LINE && owner[n] !== NO_FRAME && has[sourceOf[fn[owner[n]]]]?.[line[n] - 1],
    );
  }

  // Where another task goes on whose name has the text.
  /** @param {string} text */
  switches(text) {
    const { m_task: task } = this.columns;
    const named = this.header.tasks.map(({ comm }) => comm.toLowerCase().includes(text));
    return this.where((n) => n && task[n] !== task[n - 1] && named[task[n]]);
  }

  // The moments that first show a new value of one of these cells.
  /** @param {number[]} cells */
  changes(cells) {
    const { timeline } = this.reader;
    return cells.flatMap((cell) =>
      [...timeline.changesOf(cell)].map((i) => firstAbove(timeline.changeEnd, i)),
    );
  }

  /** @param {string} text */
  counterCells(text) {
    const { machine } = this.reader;

    const cells = this.header.vmstat.flatMap((name, i) =>
      name.toLowerCase().includes(text) ? [machine.itemCell("vmstat", i)] : [],
    );
    const objects = ["khugepaged", "knobs"].map((name) => machine.object(machine.value(machine.root, name)));
    for (const object of objects) {
      for (const field of object?.fields ?? [])
        if (field.includes(text)) cells.push(machine.cellOf(object, field));
    }
    return cells;
  }

  // Entries on the way to an address, in the tables as they stand at the start, now and at the end.
  /** @param {string} text */
  addressCells(text) {
    if (!/^(0x[0-9a-f]+|\d+)$/.test(text)) return [];
    const { machine, timeline, last } = this.reader;
    const cells = new Set();
    const now = timeline.step;
    for (const step of [0, now, last]) {
      timeline.seek(step);
      for (const mm of this.header.objects.filter((object) => object.type === "Mm")) {
        for (const { entry } of machine.walk(mm, BigInt(text))) cells.add(entry.cell);
      }
    }
    timeline.seek(now);
    return [...cells];
  }

  /** @param {string} text */
  frameCells(text) {
    const { machine } = this.reader;
    const page = /^(0x[0-9a-f]+|\d+)$/.test(text) ? Number(text) - machine.startPfn : -1;
    const columns = this.header.columns.filter(
      ({ label }) => label.startsWith("mem_map.") && !label.includes("pageblock"),
    );
    const inside = page >= 0 && page < machine.frames;
    return !inside ? [] : columns.map(({ base }) => base + page);
  }

  /** @param {string} text */
  lockCells(text) {
    const { machine } = this.reader;
    const chosen = machine.locks.filter(({ label }) => label.toLowerCase().includes(text));
    return chosen.flatMap((lock) => ["writer", "readers"].map((field) => machine.cellOf(lock, field)));
  }
}
