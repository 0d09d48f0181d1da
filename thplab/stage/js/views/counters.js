// Counters and knobs, in the words of /proc/vmstat and sysfs; what has changed since the start is marked.

import { runLengths } from "../data/lists.js";
import { once } from "../data/moment.js";
import { el, setText, updateList } from "../draw/dom.js";

/** @import { Cells, Machine, Moment, Value, ViewModule } from "../types.js" */

/** @param {Machine} machine @param {Cells} cells */
function counters(machine, cells) {
  const { header, root } = machine;
  const daemon = machine.object(machine.value(root, "khugepaged", cells));
  const mm = header.focus ? header.objects[header.focus.mm] : null;
  const rows = mm ? [[`rss of ${mm.label}, in pages`, machine.value(mm, "rss", cells)]] : [];
  for (const field of ["pages_collapsed", "full_scans"])
    rows.push([`khugepaged/${field}`, machine.value(daemon, field, cells)]);
  for (const [i, name] of header.vmstat.entries()) rows.push([name, machine.item("vmstat", i, cells)]);
  return rows.map(([name, value]) => [name, value ?? 0]);
}

const rows = once((moment) => {
  const { machine, timeline } = moment.reader;
  const start = counters(machine, timeline.initial);
  return counters(machine, timeline.now)
    .map(([name, value], i) => ({ name, value, delta: value - start[i][1] }))
    .filter((row) => row.value || row.delta);
});

// Each knob, and what it was at the start if that was something else.
/** @param {Moment} moment @returns {{ name: string, value: string, was: string }[]} */
function knobs(moment) {
  const { machine, timeline } = moment.reader;
  const object = machine.object(machine.value(machine.root, "knobs"));
  return object.fields.map((/** @type {string} */ name) => {
    const value = knobText(machine.value(object, name));
    const start = knobText(machine.value(object, name, timeline.initial));
    return { name, value, was: value === start ? "" : `was ${start}` };
  });
}

// One that has a value for each order is told in run lengths.
/** @param {Value} value */
const knobText = (value) => (value?.tuple ? runLengths(value.tuple) : String(value));

/** @param {number} delta */
const signed = (delta) => (delta ? (delta > 0 ? `+${delta}` : String(delta)) : "");

/** @type {ViewModule} */
export const countersView = {
  summary: (moment) => {
    const changed = rows(moment).filter((row) => row.delta).length;
    return changed ? `±${changed}` : "";
  },
  make() {
    const list = el("div", "ts-pairs");
    const knobList = el("div", "ts-pairs");
    const root = el("div", "ts-counters", list, el("div", "ts-title", "Knobs"), knobList);
    const before = new Map();
    const make = () => el("div", "", el("span"), el("b"), el("em"));
    return {
      root,
      update(moment) {
        updateList(list, rows(moment), make, (pair, row) => {
          setText(pair.children[0], row.name);
          setText(pair.children[1], String(row.value));
          setText(pair.children[2], signed(row.delta));
          pair.toggleAttribute("data-changed", row.delta !== 0);
          pair.toggleAttribute("data-new", before.has(row.name) && before.get(row.name) !== row.value);
          before.set(row.name, row.value);
        });
        updateList(knobList, knobs(moment), make, (pair, row) => {
          setText(pair.children[0], row.name);
          setText(pair.children[1], row.value);
          setText(pair.children[2], row.was);
          pair.toggleAttribute("data-new", row.was !== "");
        });
      },
    };
  },
  lines(moment) {
    /** @param {string} text */
    const inBrackets = (text) => (text ? ` (${text})` : "");
    const found = rows(moment).map((row) => `${row.name} ${row.value}${inBrackets(signed(row.delta))}`);
    return [...found, ...knobs(moment).map((row) => `${row.name} = ${row.value}${inBrackets(row.was)}`)];
  },
};
