// One entry of the window in words: where it is, what it maps, who uses that page.

import { readEntry } from "../data/entries.js";
import { bitNames, hex, hex64 } from "../data/machine.js";
import { ofUsers } from "../data/users.js";
import { setText } from "./dom.js";
/** @import { Machine, Moment, Stage, WindowState } from "../types.js" */
// The folio behind a page: flags and counts, as the rules of khugepaged read them.
/** @param {Machine} machine @param {number} page */
export function pageWords(machine, page) {
  const folio = machine.frame("compound_head", page);
  const large = machine.frame("flags", folio) & machine.flag.head;
  const mapcount = machine.frame(large ? "large_mapcount" : "mapcount", folio);
  const flags = machine.flagsOf(folio).join(" ") || "no flag";
  return `pfn ${hex(page + machine.startPfn)}${ofUsers(machine, page)}: refcount ${machine.frame("refcount", folio)}, mapcount ${mapcount}, ${flags}`;
}

/** @param {Machine} machine @param {WindowState} window @param {number} index */
export function entryWords(machine, window, index) {
  const about = readEntry(machine, window, index);
  const parts = [`Entry ${index} (${hex(about.address)}): ${about.key.name}`];
  if (about.entry && !about.entry.none) parts.push(`${hex64(about.entry)} ${bitNames(about.entry)}`.trim());
  if (about.page >= 0) parts.push(pageWords(machine, about.page));
  return { text: parts.join(" · "), cell: about.cell };
}

// Writes the words; the moment of the entry's last change, -1 if there was none.
/** @param {Stage} stage @param {Moment} moment @param {number} index @param {HTMLElement} node */
export function describeEntry(stage, moment, index, node) {
  const { machine, timeline } = stage.reader;
  if (index < 0 || !moment.window) {
    setText(node, "Click an entry, or press ] to select one.");
    return -1;
  }
  const { text, cell } = entryWords(machine, moment.window, index);
  setText(node, text);
  return cell < 0 ? -1 : timeline.lastChange(cell);
}
