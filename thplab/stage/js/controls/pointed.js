// What was pointed at, in words: a lock, a mapping, a line of the source; and where something happens to it next.

import { lanesOf } from "../data/lane_data.js";
import { firstAbove } from "../data/lists.js";
import { button, el, setHidden, setText } from "../draw/dom.js";
import { mappingWords } from "../views/space.js";

/** @import { Moment, Part, Pointed, Stage } from "../types.js" */

const LINE = 0;

/** @param {Stage} stage @param {Moment} moment @param {number} id */
function lockWords(stage, moment, id) {
  const { machine, timeline, header } = stage.reader;
  const lock = header.objects[id];
  const lanes = lanesOf(stage.reader);
  const now = lanes.lasting(moment.step).filter((span) => span.lock === id);
  const told = now.map((span) => {
    const who = span.what === "waits" ? `${span.who} waits for it` : `held by ${span.who}`;
    return `${who} (${span.how})${lanes.from(span, moment.step)}`;
  });
  const times = lanes.spans.filter((span) => span.what === "holds" && span.lock === id).length;
  const changes = ["writer", "readers", "waiters"].flatMap((field) => [
    ...timeline.changesOf(machine.cellOf(lock, field)),
  ]);
  const applied = timeline.changeEnd[moment.step];
  const next = Math.min(...changes.filter((change) => change >= applied));
  return {
    text: `${lock.label}: ${told.length ? told.join("; ") : "free"}. It is taken ${times === 1 ? "once" : `${times} times`} in this run.`,
    next: Number.isFinite(next) ? firstAbove(timeline.changeEnd, next) : -1,
  };
}

/** @param {Stage} stage @param {Moment} moment @param {[number, number]} id */
function lineWords(stage, moment, id) {
  const { header, lines, frames, recording, last } = stage.reader;
  const [source, number] = id;
  const { m_kind: kind, m_line: line, m_frame: owner, f_function: fn } = recording.columns;
  const runs = [];
  for (let n = 1; n < last; n++) {
    if (kind[n] === LINE && line[n] === number && frames.sourceOf[fn[owner[n]]] === source) runs.push(n);
  }
  const at = runs.length ? `, in ${frames.nameOf(owner[runs[0]])}` : "";
  const { file, kernel_file: kernelFile } = header.sources[source];
  const times = runs.length ? (runs.length === 1 ? "runs once" : `runs ${runs.length} times`) : "never runs";
  return {
    text: `${file}:${number}${at}${kernelFile ? ` (${kernelFile})` : ""}, ${times} in this run: ${lines[source][number - 1].trim() || "an empty line"}`,
    next: runs[firstAbove(runs, moment.step)] ?? runs[0] ?? -1,
  };
}

/** @type {Record<Pointed["kind"], (stage: Stage, moment: Moment, id: any) => { text: string, next: number }>} */
const WORDS = {
  lock: lockWords,
  line: lineWords,
  mapping: (_stage, moment, id) => ({ text: mappingWords(moment, id), next: -1 }),
};

// {text, next}: what was pointed at, and the moment at which something happens to it next, or -1.
/** @param {Stage} stage @param {Moment} moment @param {Pointed} pointed */
function pointedWords(stage, moment, pointed) {
  return WORDS[pointed.kind](stage, moment, pointed.id);
}

/** @param {Stage} stage @returns {Part} */
export function makePointed(stage) {
  const words = el("span");
  const next = button("ts-link", "Go to the next moment at which something happens to it", () =>
    stage.act(() => stage.move(Number(next.dataset.step))),
  );
  const close = button("ts-link", "Point at nothing (Esc)", () => stage.act("follow"), "close");
  const root = el("div", "ts-pointed", words, next, close);
  root.setAttribute("role", "status");
  return {
    root,
    update(moment) {
      const { pointed } = stage.selection;
      setHidden(root, !pointed);
      if (!pointed) return;
      const { text, next: step } = pointedWords(stage, moment, pointed);
      setText(words, text);
      setHidden(next, step < 0);
      next.dataset.step = String(step);
      setText(next, `next at moment ${step}`);
    },
  };
}
