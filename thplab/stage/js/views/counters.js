// Counters and knobs, in the words of /proc/vmstat and sysfs; what has changed since the start is marked.

import { knobs } from "../data/knobs.js";
import { once } from "../data/moment.js";
import { withUnit } from "../data/units.js";
import { button, el, setAttribute, setHidden, setText, updateList } from "../draw/dom.js";

/** @import { Cells, Knob, Machine, ViewModule } from "../types.js" */

/** @param {Machine} machine @param {Cells} cells */
function counters(machine, cells) {
  const { header, root } = machine;
  const daemon = machine.object(machine.value(root, "khugepaged", cells));
  const mm = header.focus ? header.objects[header.focus.mm] : null;
  const rows = mm ? [[`rss of ${mm.label}`, machine.value(mm, "rss", cells)]] : [];
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

/** @param {number} delta */
const signed = (delta) => (delta ? (delta > 0 ? `+${delta}` : String(delta)) : "");

const makePair = () => el("div", "", el("span"), el("b"), el("em"));

/** @param {HTMLElement} pair @param {Knob} knob */
function fillKnob(pair, { name, value, was }) {
  for (const [i, text] of [name, value, was].entries()) setText(pair.children[i], text);
  pair.toggleAttribute("data-new", was !== "");
}

/** @type {ViewModule} */
export const countersView = {
  summary: (moment) => {
    const changed = rows(moment).filter((row) => row.delta).length;
    return changed ? `±${changed}` : "";
  },
  make() {
    const list = el("div", "ts-pairs");
    const [first, others] = [el("div", "ts-pairs"), el("div", "ts-pairs")];
    let unfolded = false;
    const fold = button("ts-link", "Show or hide the knobs that do not matter in this run", () => {
      unfolded = !unfolded;
      showFold();
    });
    fold.removeAttribute("aria-label"); // its own words name it
    const showFold = () => {
      setHidden(others, !unfolded);
      setAttribute(fold, "aria-expanded", String(unfolded));
    };
    showFold();
    const title = el("div", "ts-title", "Knobs that this run sets or reads");
    const root = el("div", "ts-counters", list, title, first, el("p", "ts-fold", fold), others);
    const before = new Map();
    return {
      root,
      update(moment) {
        updateList(list, rows(moment), makePair, (pair, row) => {
          setText(pair.children[0], row.name);
          setText(pair.children[1], withUnit(row.name, row.value));
          setText(pair.children[2], signed(row.delta));
          pair.toggleAttribute("data-changed", row.delta !== 0);
          pair.toggleAttribute("data-new", before.has(row.name) && before.get(row.name) !== row.value);
          before.set(row.name, row.value);
        });
        const all = knobs(moment);
        const [matter, rest] = [true, false].map((wanted) => all.filter(({ matters }) => matters === wanted));
        updateList(first, matter, makePair, fillKnob);
        updateList(others, rest, makePair, fillKnob);
        setText(fold, `${rest.length} other knobs`);
        setHidden(fold, !rest.length);
        setHidden(title, !matter.length);
      },
    };
  },
  lines(moment) {
    /** @param {string} text */
    const inBrackets = (text) => (text ? ` (${text})` : "");
    const found = rows(moment).map(
      (row) => `${row.name} ${withUnit(row.name, row.value)}${inBrackets(signed(row.delta))}`,
    );
    return [...found, ...knobs(moment).map((row) => `${row.name} = ${row.value}${inBrackets(row.was)}`)];
  },
};
