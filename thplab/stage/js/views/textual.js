// The text twin: a moment as text, section by section, as thplab/reading/text.py says it in Python; and what the
// reader has chosen.

import { scroller, setText } from "../draw/dom.js";
import { TEXT, VIEWS } from "./all.js";
/** @import { Moment, View } from "../types.js" */
export const NO_CLOCK = "no clock";

// The virtual time; a recording in which nothing took any time has no clock to show.
/** @param {Moment} moment */
export function clock(moment) {
  const times = moment.reader.recording.columns.m_time;
  return times[0] === times[times.length - 1] ? NO_CLOCK : `${(moment.time / 1e9).toFixed(6)} s`;
}

/** @param {Moment} moment */
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

/** @type {View} */
export const textView = {
  ...TEXT,
  make(stage) {
    const root = scroller("pre", "ts-text", "This moment as text");
    return {
      root,
      update(moment) {
        const chosen = stage.open.isShown("scene") ? stage.things.said : "";
        setText(root, [momentText(moment), chosen].filter(Boolean).join("\n\n"));
      },
    };
  },
};
