// What was pointed at, in words: a lock, a mapping, a line of the source; and where something happens to it next.

import { lanesOf } from "../data/lane_data.js";
import { firstAbove } from "../data/lists.js";
import { button, el, setHidden, setText } from "../draw/dom.js";
import { mappingWords } from "../views/space.js";

const LINE = 0;

function lockWords(stage, moment, id) {
  const { machine, timeline, header } = stage.reader;
  const lock = header.objects[id];
  const lanes = lanesOf(stage.reader);
  const now = lanes.lasting(moment.step).filter((span) => span.lock === id);
  const told = now.map(
    (span) =>
      (span.what === "waits"
        ? `${span.who} waits for it (${span.how})`
        : `held by ${span.who} (${span.how})`) + lanes.from(span, moment.step),
  );
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

const WORDS = {
  lock: lockWords,
  line: lineWords,
  mapping: (_stage, moment, id) => ({ text: mappingWords(moment, id), next: -1 }),
};

// {text, next}: what was pointed at, and the moment at which something happens to it next, or -1.
function pointedWords(stage, moment) {
  return WORDS[stage.selection.pointed.kind](stage, moment, stage.selection.pointed.id);
}

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
      setHidden(root, !stage.selection.pointed);
      if (!stage.selection.pointed) return;
      const { text, next: step } = pointedWords(stage, moment);
      setText(words, text);
      setHidden(next, step < 0);
      next.dataset.step = step;
      setText(next, `next at moment ${step}`);
    },
  };
}
