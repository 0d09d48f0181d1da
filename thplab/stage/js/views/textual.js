// The text twin: a moment as text, section by section. thplab/stage/text.py says the same in Python.

import { buddyView } from "./buddy.js";
import { countersView } from "./counters.js";
import { lanesView } from "./lanes.js";
import { ledgerView } from "./ledger.js";
import { locksView } from "./locks.js";
import { memoryView } from "./memory.js";
import { sourceView } from "./source.js";
import { spaceView } from "./space.js";
import { stackView } from "./stack.js";
import { traceView } from "./trace.js";
import { variablesView } from "./variables.js";
import { walkView } from "./walk.js";
import { windowView } from "./window.js";
import { scroller, setText } from "../draw/dom.js";

export const VIEWS = [
  windowView,
  sourceView,
  variablesView,
  stackView,
  locksView,
  lanesView,
  walkView,
  traceView,
  countersView,
  ledgerView,
  memoryView,
  buddyView,
  spaceView,
];

// The virtual time; a recording in which nothing took any time has no clock to show.
export function clock(moment) {
  const times = moment.reader.recording.columns.m_time;
  return times[0] === times[times.length - 1] ? "untimed" : `${(moment.time / 1e9).toFixed(6)} s`;
}

export function momentText(moment) {
  const { step, last, kind, task } = moment;
  const head = [
    `Moment ${step} of ${last}: ${kind}, ${task.comm}-${task.pid}, ${clock(moment)}`,
    moment.sentence,
    moment.what,
  ];
  const sections = VIEWS.map((view) => [`${view.title}:`, ...view.lines(moment)].join("\n"));
  return [head.join("\n"), ...sections].join("\n\n");
}

export const textView = {
  name: "text",
  title: "As text",
  place: "below",
  wide: true,
  summary: () => "",
  make() {
    const root = scroller("pre", "ts-text", "This moment as text");
    return { root, update: (moment) => setText(root, momentText(moment)) };
  },
};
