// The run at a glance: which function took which stretch of the moments. Choosing one goes there.

import { NO_FRAME } from "../data/frames.js";
import { button, el, named } from "../draw/dom.js";

/** @import { Part, Reader, Stage } from "../types.js" */

const LEAST = 0.01; // of all moments: what a function must take to be named

// Stretches [{from, to, name}] by the innermost function that is long enough to be seen.
/** @param {Reader} reader */
export function phases(reader) {
  const { frames, last, recording } = reader;
  const owner = recording.columns.m_frame;
  /** @param {number} frame */
  const large = (frame) =>
    frames.labels(frame).length > 0 && frames.last[frame] - frames.first[frame] >= LEAST * last;
  const shown = new Map([[NO_FRAME, NO_FRAME]]);
  /** @param {number} frame @returns {number} */
  const visible = (frame) => {
    const found = shown.get(frame) ?? (large(frame) ? frame : visible(frames.parent(frame)));
    shown.set(frame, found);
    return found;
  };
  // A phase of a collapse has its number everywhere; what else runs has its function's name.
  /** @param {number} frame */
  const nameOf = (frame) => (frame === NO_FRAME ? "" : frames.fn(frame).phase || frames.nameOf(frame));
  const found = /** @type {Phase[]} */ ([]);
  for (let n = 0; n <= last; n++) {
    const frame = visible(owner[n]);
    const before = found[found.length - 1];
    if (before && before.frame === frame) before.to = n;
    else found.push({ frame, from: n, to: n, name: nameOf(frame) });
  }
  return merge(found, last * LEAST * 0.6);
}

/** @typedef {{ frame: number, from: number, to: number, name: string }} Phase */

// A stretch too short to be seen becomes part of the one before it.
/** @param {Phase[]} found @param {number} least */
function merge(found, least) {
  const kept = /** @type {Phase[]} */ ([]);
  for (const phase of found) {
    const before = kept[kept.length - 1];
    const small = phase.to - phase.from < least;
    if (before && (small || before.name === phase.name)) before.to = phase.to;
    else if (before && before.to - before.from < least)
      Object.assign(before, { to: phase.to, name: phase.name });
    else kept.push(phase);
  }
  return kept;
}

/** @param {string} name */
const short = (name) =>
  name.replace(/^_+/, "").replace("collapse_huge_page_", "").replace("hpage_collapse_", "");

/** @param {Stage} stage @returns {Part} */
export function makePhases(stage) {
  const { last, frames } = stage.reader;
  /** @param {number} n */
  const percent = (n) => `${(100 * n) / Math.max(last, 1)}%`;
  const root = named(el("div", "ts-phases"), "group", "Phases of the run");
  const bars = phases(stage.reader).map((phase) => {
    const name = phase.name || "before and after";
    const bar = button("ts-phase", `${name}: moments ${phase.from} to ${phase.to}`, () =>
      stage.act(() => stage.move(phase.from)),
    );
    if (phase.name && phase.to - phase.from > 0.06 * last) bar.append(short(name));
    bar.style.left = percent(phase.from);
    bar.style.width = percent(phase.to - phase.from);
    bar.tabIndex = -1; // the slider and f reach the same places
    root.append(bar);
    return { bar, phase };
  });
  const count = stage.reader.header.trace.length;
  for (let i = 0; i < Math.min(count, 200); i++) {
    const tick = el("i", "ts-tick");
    tick.style.left = percent(frames.momentOfTrace(i));
    root.append(tick);
  }
  return {
    root,
    update(moment) {
      for (const { bar, phase } of bars)
        bar.toggleAttribute("data-now", phase.from <= moment.step && moment.step <= phase.to);
    },
  };
}
