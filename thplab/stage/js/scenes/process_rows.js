// The address space of the process that is visited: its mappings, cut into windows, with what is told of each.

import { BIT } from "../data/machine.js";
import { once } from "../data/moment.js";
import { toldOfPasses, visited } from "../data/visits.js";
import { readPass } from "./passes.js";

/** @import { Machine, Moment, ObjectInfo, Sentence, SpaceRow, SpaceWindow } from "../types.js" */

const SHOWN = 256; // windows of a mapping that are read, around the cursor
const FAR = 1 << 18; // a window farther from the first one has no number

// A window in words, as sentences name it.
/** @param {Moment} moment @param {bigint} address */
export function wordsOf({ reader: { header } }, address) {
  const { entries, page_shift } = header.geometry;
  const size = BigInt(entries) << BigInt(page_shift);
  const from = BigInt(header.focus?.address ?? 0);
  const number = (address - from) / size;
  const numbered = from && address >= from && !(from % size) && number < FAR;
  return numbered ? `window ${number}` : `the window at 0x${(address - (address % size)).toString(16)}`;
}

// Its address space; before the first visit the one that the recording is about.
/** @param {Moment} moment @returns {ObjectInfo | null} */
export function spaceOf(moment) {
  const { machine } = moment.reader;
  const mms = (machine.value(machine.root, "mms")?.tuple ?? []).map(machine.object, machine);
  const name = visited(moment);
  const home = machine.header.focus ? machine.header.objects[machine.header.focus.mm] : null;
  const found = mms.findLast((/** @type {ObjectInfo} */ mm) => machine.value(mm, "name") === name);
  return found ?? (name ? null : (home ?? mms[0] ?? null));
}

// Where the cursor is in a process; -1n: in another one.
/** @param {Moment} moment @param {ObjectInfo} mm */
export function cursorIn({ reader: { machine } }, mm) {
  const daemon = machine.object(machine.value(machine.root, "khugepaged"));
  const slot = machine.object(machine.value(daemon, "scan_mm_slot"));
  if (!slot || machine.object(machine.value(slot, "mm")) !== mm) return -1n;
  return BigInt(machine.value(daemon, "scan_address"));
}

/** @param {Moment} moment @param {string} name */
function toldOf(moment, name) {
  const windows = /** @type {Map<string, { told: Sentence, count: number, read: number }>} */ (new Map());
  const mappings = /** @type {Map<string, Sentence>} */ (new Map());
  let limit = /** @type {Sentence | null} */ (null); // the entry that broke a limit
  for (const told of toldOfPasses(moment.reader)) {
    if (told.moment > moment.step) break;
    if (told.values.mm !== name) continue;
    if (told.kind.startsWith("exceed_")) limit = told;
    else if (told.kind.startsWith("vma_")) mappings.set(String(told.values.address), told);
    else if (told.kind.startsWith("window_paid")) {
      windows.set(String(told.values.window), { told, ...countOf(limit, told) });
      limit = null;
    }
  }
  return { windows, mappings };
}

const COUNTS = /** @type {Record<string, string>} */ ({
  exceed_none_pte: "none",
  exceed_swap_pte: "unmapped",
  exceed_shared_pte: "shared",
});

// How many entries broke the limit, if one did, and how many were read until then (-1: all).
/** @param {Sentence | null} limit @param {Sentence} paid */
function countOf(limit, { values }) {
  const name = COUNTS[String(values.result)];
  if (!name || limit?.values.window !== values.window) return { count: 0, read: -1 };
  return { count: Number(limit?.values[name] ?? 0), read: Number(limit?.values.entry ?? -2) + 1 };
}

// The rows of the address space that the scene is about, low to high.
export const rowsOf = once((moment) => {
  const mm = spaceOf(moment);
  return mm ? readRows(moment, mm) : [];
});

/** @param {Moment} moment @param {ObjectInfo} mm */
function readRows(moment, mm) {
  const { machine } = moment.reader;
  const told = toldOf(moment, String(machine.value(mm, "name")));
  const rows = /** @type {SpaceRow[]} */ ([]);
  const vmas = (machine.value(mm, "vmas")?.tuple ?? []).map(machine.object, machine);
  for (const [i, vma] of vmas.entries()) {
    const row = readRow(moment, mm, vma, told);
    const above = rows[rows.length - 1];
    if (above && !above.count && !row.count && above.file === row.file) join(above, row);
    else rows.push({ ...row, number: i + 1 });
  }
  return rows;
}

// Neighbours in which no window has room are one row.
/** @param {SpaceRow} above @param {SpaceRow} row */
function join(above, row) {
  above.mappings++;
  above.end = row.end;
  above.bytes += row.bytes;
  above.units += row.units;
  above.over = row.over ?? above.over;
}

/** @param {Moment} moment @param {ObjectInfo} mm @param {ObjectInfo} vma @param {ReturnType<typeof toldOf>} told @returns {SpaceRow} */
function readRow(moment, mm, vma, told) {
  const { machine } = moment.reader;
  const { entries, page_shift } = machine.header.geometry;
  const size = BigInt(entries) << BigInt(page_shift);
  const [start, end] = ["vm_start", "vm_end"].map((field) => BigInt(machine.value(vma, field)));
  const first = ((start + size - 1n) / size) * size;
  const last = (end / size) * size;
  const count = first < last ? Number((last - first) / size) : 0;
  const windows = count ? windowsOf(moment, mm, { first, last, size }, told.windows) : [];
  const over = told.mappings.get(`0x${start.toString(16)}`) ?? null;
  const begin = readPass(moment).begin?.moment ?? 0;
  const units = [over, ...windows.map((window) => window.told)]
    .filter((each) => each && each.moment >= begin)
    .reduce((sum, each) => sum + Number(each?.values.cost), 0);
  const file = Boolean(machine.value(vma, "vm_file"));
  return {
    number: 0,
    mappings: 1,
    start,
    end,
    bytes: end - start,
    first,
    last,
    file,
    over,
    units,
    count,
    windows,
  };
}

/** @param {Moment} moment @param {ObjectInfo} mm @param {{ first: bigint, last: bigint, size: bigint }} where @param {Map<string, { told: Sentence, count: number, read: number }>} told @returns {SpaceWindow[]} */
function windowsOf(moment, mm, { first, last, size }, told) {
  const { machine } = moment.reader;
  const cursor = cursorIn(moment, mm);
  const count = Number((last - first) / size);
  const here = cursor >= first && cursor <= last ? Number((cursor - first) / size) : 0;
  const from = Math.max(0, Math.min(here - SHOWN / 2, count - SHOWN));
  return Array.from({ length: Math.min(count, SHOWN) }, (_, i) => {
    const address = first + BigInt(from + i) * size;
    const name = wordsOf(moment, address);
    const known = told.get(name) ?? { told: null, count: 0, read: -1 };
    return { address, index: from + i, name, ...known, ...stateOf(machine, mm, address) };
  });
}

// What the PMD entry of a window says, and the table that it leads to.
/** @param {Machine} machine @param {ObjectInfo} mm @param {bigint} address @returns {{ state: SpaceWindow["state"], table: number }} */
function stateOf(machine, mm, address) {
  const pmd = machine.walk(mm, address)[2]?.entry;
  if (!pmd || pmd.none) return { state: "empty", table: -1 };
  if (pmd.lo & BIT.leaf) return { state: "huge", table: -1 };
  return { state: "small", table: pmd.pfn - machine.startPfn };
}

// A window's entries in so many groups of neighbours: those of which half are present, the others, and those that
// its last scan did not read because an entry before them had decided.
/** @param {Machine} machine @param {SpaceWindow} window @param {number} count */
export function groupsOf(machine, { table: page, read }, count) {
  const table = machine.tableOf(page);
  const { entries } = machine.header.geometry;
  const found = /** @type {Record<"full" | "hole" | "unread", number[]>} */ ({
    full: [],
    hole: [],
    unread: [],
  });
  for (let group = 0; group < Math.min(count, entries); group++) {
    const [from, to] = [group, group + 1].map((each) =>
      Math.floor((each * entries) / Math.min(count, entries)),
    );
    let present = 0;
    for (let i = from; table && i < to; i++)
      if (machine.now.lo[table.base + i] & (BIT.present | BIT.protnone)) present++;
    (2 * present >= to - from && present ? found.full : found.hole).push(group);
    if (read >= 0 && from >= read) found.unread.push(group);
  }
  return found;
}
