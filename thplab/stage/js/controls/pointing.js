// What was pointed at, in words: a lock, a mapping, a line of the source; and who uses a page frame.

import { lanesOf } from "../data/lane_data.js";
import { BIT } from "../data/machine.js";
import { firstAbove } from "../data/search.js";
import { mappingWords } from "../views/space.js";

const LINE = 0;
const NAMED = 3; // users of a frame that are named

// The processes that a frame belongs to, found as the kernel does: by the reverse map. Those whose page tables
// lead to it; if none does, but it counts as mapped, whoever may map it: the tables are out of reach just now.
function usersOf(machine, page) {
  const folio = machine.frame("compound_head", page);
  const number = machine.frame("mapping", folio);
  if (!number) return [];
  const [type, field] = machine.flagsOf(folio).includes("anon")
    ? ["AnonVma", "vmas"]
    : ["AddressSpace", "i_mmap"];
  const anchor = machine.header.objects.find(
    (object) => object.type === type && machine.value(object, "number") === number,
  );
  const vmas = (anchor && machine.value(anchor, field)?.tuple) ?? [];
  const mappings = vmas.map((reference) => machine.object(reference));
  const led = mappings.filter((vma) => leadsTo(machine, vma, folio, page));
  const mapped = machine.frame("mapcount", page) > 0;
  const names = (led.length || !mapped ? led : mappings).map(
    (vma) => machine.object(machine.value(vma, "mm")).label,
  );
  return [...new Set(names)];
}

function leadsTo(machine, vma, folio, page) {
  const shift = BigInt(machine.header.geometry.page_shift);
  const index = BigInt(machine.frame("index", folio)) + BigInt(page - folio);
  const address =
    BigInt(machine.value(vma, "vm_start")) + ((index - BigInt(machine.value(vma, "vm_pgoff"))) << shift);
  const mm = machine.object(machine.value(vma, "mm"));
  const last = machine.walk(mm, address).pop();
  if (!last || !(last.entry.lo & (BIT.present | BIT.protnone))) return false;
  const first = last.entry.pfn - machine.startPfn;
  return last.level === "PTE" ? first === page : first === folio;
}

// " of a", " of a and b"; nothing for a frame that no process uses.
export function ofUsers(machine, page) {
  const users = usersOf(machine, page);
  if (!users.length) return "";
  return ` of ${users.slice(0, NAMED).join(" and ")}${users.length > NAMED ? " and others" : ""}`;
}

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
  mapping: (stage, moment, id) => ({ text: mappingWords(moment, id), next: -1 }),
};

// {text, next}: what was pointed at, and the moment at which something happens to it next, or -1.
export function pointedWords(stage, moment) {
  return WORDS[stage.pointed.kind](stage, moment, stage.pointed.id);
}
