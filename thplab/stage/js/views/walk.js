// The page-table walk of the entry in question: PGD, PUD, PMD, PTE with the hardware's bits.

import { addressOf } from "../data/entries.js";
import { BIT, bitNames, hex, hex64 } from "../data/machine.js";
import { el, scroller, setText, updateList } from "../draw/dom.js";

/** @import { Moment, ViewModule, WalkStep } from "../types.js" */

/** @param {WalkStep} step */
function meaning(step) {
  const { entry, level } = step;
  if (entry.none) return "none";
  if (!(entry.lo & (BIT.present | BIT.protnone))) return "not present: swapped out or a marker";
  const pfn = hex(entry.pfn);
  if (level === "PTE") return `page at pfn ${pfn}`;
  return entry.lo & BIT.leaf ? `leaf: huge page at pfn ${pfn}` : `table at pfn ${pfn}`;
}

/** @param {Moment} moment @param {number} entry */
function rows(moment, entry) {
  const w = moment.window;
  if (!w || !w.mm) return [];
  const { machine } = moment.reader;
  const steps = machine.walk(w.mm, addressOf(machine, w, Math.max(entry, 0)));
  return steps.map((step) => ({
    where: `${step.level}[${step.index}]`,
    value: step.entry.none ? "0x0" : hex64(step.entry),
    bits: step.entry.none ? "" : bitNames(step.entry),
    means: meaning(step),
  }));
}

/** @type {ViewModule} */
export const walkView = {
  make(stage) {
    const body = el("tbody");
    const head = el("tr", "", ...["entry", "value", "bits", "is a"].map((name) => el("th", "", name)));
    const root = scroller("div", "ts-walk", "Page-table walk");
    root.append(el("table", "", el("thead", "", head), body));
    return {
      root,
      update(moment) {
        const make = () => el("tr", "", el("th"), el("td"), el("td"), el("td"));
        updateList(body, rows(moment, stage.selection.entry), make, (line, row) => {
          for (const [i, text] of [row.where, row.value, row.bits, row.means].entries())
            setText(line.children[i], text);
        });
      },
    };
  },
  lines(moment) {
    const lines = rows(moment, moment.window ? moment.window.cursor : -1);
    return lines.map((row) =>
      `${row.where} ${row.value} ${row.bits}: ${row.means}`.replace("  :", ":").replace(" :", ":"),
    );
  },
};
