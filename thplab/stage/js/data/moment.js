// One moment, with everything that views show of it. What is asked for is read once, and only then.

import { readWindow } from "./entries.js";
import { Frames, NO_FRAME } from "./frames.js";
import { Machine } from "./machine.js";
import { Timeline } from "./timeline.js";
import { Story } from "./told.js";

/** @import { Frame, Recording, WindowPlace, WindowState } from "../types.js" */

const KINDS = ["line", "call", "return", "event", "switch"];

// Everything that is worked out once for a recording.
export class Reader {
  /** @param {Recording} recording */
  constructor(recording) {
    this.recording = recording;
    this.header = recording.header;
    this.timeline = new Timeline(recording);
    this.machine = new Machine(recording, this.timeline);
    this.frames = new Frames(recording);
    this.story = new Story(recording);
    this.windows = this.header.windows.map(({ mm, address }) => ({
      mm: mm === null ? null : this.header.objects[mm],
      address: BigInt(address),
    }));
    this.last = this.timeline.length - 1;
    this.lines = this.header.sources.map((source) => source.text.split("\n"));
  }

  // Go to a moment and read it. The Moment read before is not valid any more.
  /** @param {number} step */
  read(step) {
    this.timeline.seek(step);
    return new Moment(this, step);
  }
}

export class Moment {
  /** @param {Reader} reader @param {number} step */
  constructor(reader, step) {
    const c = reader.recording.columns;
    this.reader = reader;
    this.step = step;
    this.last = reader.last;
    this.kind = KINDS[c.m_kind[step]];
    this.frame = c.m_frame[step];
    this.line = c.m_line[step];
    this.time = c.m_time[step];
    this.task = reader.header.tasks[c.m_task[step]];
    this.traceLines = c.m_trace_end[step];
    this.told = reader.story.at(step); // what was told last, or null
    this._stack = /** @type {Frame[] | null} */ (null);
    this._window = /** @type {WindowState | null | undefined} */ (undefined);
  }

  get nothingRuns() {
    return this.frame === NO_FRAME;
  }

  get sentence() {
    const { header } = this.reader;
    return this.told ? this.told.sentence : header.story || header.title;
  }

  // True if the sentence was told at this very moment.
  get sentenceIsNew() {
    return this.told?.moment === this.step;
  }

  /** @returns {Frame[]} */
  get stack() {
    this._stack ??= this.reader.frames.stack(this.step);
    return this._stack;
  }

  // The innermost frame whose source is in the recording, or null.
  /** @returns {Frame | null} */
  get place() {
    return this.stack.find((frame) => frame.source >= 0) ?? null;
  }

  // Which window it is about, without what is in it; or null.
  /** @returns {WindowPlace | null} */
  get where() {
    const { windows, recording } = this.reader;
    return windows[recording.columns.m_window[this.step] - 1] ?? null;
  }

  // The entry of the window at which the run looks, or -1.
  get cursor() {
    return this.where ? this.reader.recording.columns.m_entry[this.step] - 1 : -1;
  }

  /** @returns {WindowState | null} */
  get window() {
    if (this._window === undefined) {
      const { where, cursor } = this;
      this._window = where ? { ...readWindow(this.reader.machine, where), cursor } : null;
    }
    return this._window;
  }

  // The text of the line on which a frame stands; "" if its source is not in the recording.
  /** @param {Frame} frame */
  lineOf(frame) {
    return frame.source < 0 ? "" : (this.reader.lines[frame.source][frame.line - 1] ?? "").trim();
  }

  // What this moment is, in a few words: the line about to run, a call, a return, a trace event.
  get what() {
    if (this.kind === "event") return `Prints ${this.reader.header.trace[this.traceLines - 1].event}.`;
    if (this.kind === "switch") return this.task.pid ? `${this.task.comm} runs now.` : "No task runs now.";
    if (this.nothingRuns) return this.step ? "The recording ends here." : "Before the first step.";
    const [frame] = this.stack;
    const name = this.reader.frames.nameOf(this.frame);
    if (this.kind === "call") return `Enters ${name}.`;
    if (this.kind === "return") return `Leaves ${name}.`;
    return `Line ${frame.line} runs next: ${this.lineOf(frame)}`;
  }
}

// What several parts ask of a moment is worked out once.
/** @template T @param {(moment: Moment) => T} read @returns {(moment: Moment) => T} */
export function once(read) {
  const known = new WeakMap();
  return (moment) => {
    if (!known.has(moment)) known.set(moment, read(moment));
    return known.get(moment);
  };
}
