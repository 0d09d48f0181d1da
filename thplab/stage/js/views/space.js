// Address spaces: each mapping, its windows one after the other, and where khugepaged goes on.

import { addressOf } from "../data/entries.js";
import { runLengths } from "../data/lists.js";
import { BIT, hex } from "../data/machine.js";
import { button, counted, el, setAttribute, setText, updateList } from "../draw/dom.js";

/** @import { Machine, Moment, ObjectInfo, Stage, Value, ViewModule } from "../types.js" */

const SHOWN = 512; // windows of a mapping that are drawn
/** @type {[string, number][]} */
// biome-ignore format: a table
const FLAGS = [
  ["r", 1], ["w", 2], ["x", 4], ["shared", 8], ["uffd-wp", 0x1000], ["locked", 0x2000], ["hugepage", 0x20000000],
  ["nohugepage", 0x40000000], ["mergeable", 0x80000000],
];
/** @typedef {"partial" | "empty" | "table" | "leaf"} WindowKind */
/** @typedef {{ id: number, start: bigint, end: bigint, flags: string, windows: { address: bigint, state: WindowKind }[] }} Mapping */

/** @type {Record<WindowKind, [glyph: string, name: string]>} */
const STATES = {
  partial: ["-", "not a whole window"],
  empty: ["·", "empty"],
  table: ["T", "a table of entries"],
  leaf: ["█", "one huge page"],
};

/** @param {Machine} machine @param {ObjectInfo} mm @param {bigint} address @returns {WindowKind} */
function stateOf(machine, mm, address) {
  const pmd = machine.walk(mm, address)[2]?.entry;
  if (!pmd || pmd.none) return "empty";
  return pmd.lo & BIT.leaf ? "leaf" : "table";
}

// The windows of a mapping: [{address, state}].
/** @param {Machine} machine @param {ObjectInfo} mm @param {bigint} start @param {bigint} end */
function windows(machine, mm, start, end) {
  const { entries, page_shift: shift } = machine.header.geometry;
  const size = BigInt(entries) << BigInt(shift);
  const found = /** @type {Mapping["windows"]} */ ([]);
  for (let at = start - (start % size); at < end; at += size) {
    const whole = at >= start && at + size <= end;
    const state = stateOf(machine, mm, at);
    found.push({ address: at, state: !whole && state === "empty" ? "partial" : state });
  }
  return found;
}

/** @param {Moment} moment */
function spaces(moment) {
  const { machine } = moment.reader;
  /** @param {Value} tuple @returns {ObjectInfo[]} */
  const objects = (tuple) => (tuple?.tuple ?? []).map(machine.object, machine);
  return objects(machine.value(machine.root, "mms")).map((mm) => ({
    mm,
    rss: machine.value(mm, "rss"),
    vmas: objects(machine.value(mm, "vmas")).map((vma) => {
      const [start, end] = ["vm_start", "vm_end"].map((field) => BigInt(machine.value(vma, field)));
      const flags = machine.value(vma, "vm_flags");
      const words = FLAGS.filter(([, bit]) => Math.floor(flags / bit) % 2).map(([name]) => name);
      return { id: vma.id, start, end, flags: words.join(" "), windows: windows(machine, mm, start, end) };
    }),
  }));
}

// Where the scan goes on, in words.
/** @param {Machine} machine */
function cursor(machine) {
  const daemon = machine.object(machine.value(machine.root, "khugepaged"));
  const slot = machine.object(machine.value(daemon, "scan_mm_slot"));
  if (!slot) return "khugepaged has no place to go on from";
  return `khugepaged goes on in ${machine.object(machine.value(slot, "mm"))?.label ?? "?"} at ${hex(BigInt(machine.value(daemon, "scan_address")))}`;
}

/** @param {Mapping} vma */
const heading = (vma) => `${hex(vma.start)} to ${hex(vma.end)}, ${vma.flags}`;

/** @param {Mapping} vma */
const said = (vma) => `${heading(vma)}: ${runLengths(vma.windows.map(({ state }) => STATES[state][1]))}`;

// A mapping, named by its object, in words.
/** @param {Moment} moment @param {number} id */
export function mappingWords(moment, id) {
  for (const { mm, vmas } of spaces(moment)) {
    const vma = vmas.find((each) => each.id === id);
    if (vma) return `A mapping of ${mm.label}: ${said(vma)}.`;
  }
  return "This mapping does not exist at this moment.";
}

// Was it pointed at, or at an entry in it?
/** @param {Stage} stage @param {Moment} moment @param {ObjectInfo} mm @param {Mapping} vma */
function isLit(stage, moment, mm, vma) {
  if (stage.selection.isPointed("mapping", vma.id)) return true;
  const w = moment.window;
  if (!w || stage.selection.selected === null || w.mm !== mm) return false;
  const address = addressOf(moment.reader.machine, w, stage.selection.selected);
  return address >= vma.start && address < vma.end;
}

/** @param {Moment} moment @param {HTMLElement} box @param {Mapping} vma */
function drawWindows(moment, box, vma) {
  const here = moment.window?.address;
  const shown = vma.windows.slice(0, SHOWN);
  const make = () => el("i");
  updateList(box, shown, make, (cell, { address, state }) => {
    setText(cell, STATES[state][0]);
    setAttribute(cell, "data-state", state);
    cell.toggleAttribute("data-cursor", address === here);
    setAttribute(cell, "title", `${hex(address)}: ${STATES[state][1]}`);
  });
}

/** @type {ViewModule} */
export const spaceView = {
  make(stage) {
    const list = el("div", "ts-space-list");
    const at = el("p", "ts-quiet");
    const glyphs = Object.values(STATES)
      .map((words) => words.join(" "))
      .join(", ");
    const fields = `Each field is a window: ${glyphs}. The framed one is the window of the picture.`;
    const key = el("p", "ts-quiet", fields);
    const root = el("div", "ts-space", list, at, key);
    const make = () => {
      const bar = el("div", "ts-windows");
      bar.setAttribute("role", "img");
      const range = button("ts-name ts-mono", "Point at this mapping", () =>
        stage.act(() => stage.selection.point("mapping", Number(range.dataset.id))),
      );
      range.removeAttribute("aria-label"); // its own words name it
      return el("div", "ts-vma", el("div", "", el("strong"), " ", range), bar);
    };
    return {
      root,
      update(moment) {
        const rows = spaces(moment).flatMap(({ mm, rss, vmas }) => vmas.map((vma) => ({ mm, rss, vma })));
        updateList(list, rows, make, (node, { mm, rss, vma }) => {
          const [head, bar] = node.children;
          setText(head.firstChild, `${mm.label}, ${counted(rss, "page")} resident`);
          setText(head.lastChild, heading(vma));
          head.lastChild.dataset.id = vma.id;
          node.toggleAttribute("data-lit", isLit(stage, moment, mm, vma));
          setAttribute(bar, "aria-label", said(vma));
          drawWindows(moment, bar, vma);
        });
        setText(at, `${cursor(moment.reader.machine)}.`);
      },
    };
  },
  lines(moment) {
    const lines = spaces(moment).flatMap(({ mm, rss, vmas }) => [
      `${mm.label}: ${counted(rss, "page")} resident`,
      ...vmas.map(said),
    ]);
    return [...lines, cursor(moment.reader.machine)];
  },
};
