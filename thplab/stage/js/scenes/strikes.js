// Another task that acts in the middle of a collapse, and what it changed of the window.

import { split } from "../data/machine.js";
import { taskWords } from "./names.js";

/** @import { CollapseState, Moment, Strike } from "../types.js" */

const STORY = 2; // the rank of a step of the story
const LONGEST = 20_000; // moments that are looked back at

// The task that runs now, if it is not the one that collapses; null if it is.
/** @param {Moment} moment @param {CollapseState} state @returns {Strike | null} */
export function strikeAt(moment, state) {
  const { reader, step, task } = moment;
  if (state.over || !task.pid || task.comm === state.begin.who) return null;
  const owner = reader.recording.columns.m_task;
  let first = step;
  while (first > 0 && step - first < LONGEST && owner[first - 1] === owner[step]) first--;
  return {
    who: taskWords(reader, task.comm),
    changed: changedSince(moment, state, first - 1),
    what: lastStep(moment, first),
  };
}

// What the task does, told last of what matters since it began to run: no detail of it, such as one page freed.
/** @param {Moment} moment @param {number} first */
function lastStep({ reader: { story }, told }, first) {
  for (let place = told?.place ?? -1; place >= 0; place--) {
    if (story.momentOf(place) < first) break;
    if (story.rankOf(place) === STORY) return story.read(place).sentence;
  }
  return "";
}

// The entries of the table whose frame or presence differs from that at another moment.
/** @param {Moment} moment @param {CollapseState} state @param {number} before */
function changedSince({ reader: { machine, timeline } }, { begin, old }, before) {
  const table = machine.tableOf(Number(begin.table_frame));
  if (!table || before < 0) return [];
  const { lo, hi } = timeline.cellsAt(table.base, old.length, before);
  return old.flatMap((_, i) => {
    const now = machine.entry(table, i);
    const then = split(lo[i], hi[i], now.cell);
    return then.pfn === now.pfn && then.none === now.none ? [] : [i];
  });
}
