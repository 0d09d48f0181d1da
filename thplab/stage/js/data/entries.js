// The window's entries at a moment, each as a number into the list of glyphs, and the PMD above them.

import { GLYPHS } from "./glyphs.js";
import { BIT } from "./machine.js";

/** @import { Entry, EntryState, Machine, WindowPlace, WindowState } from "../types.js" */

const KEY = Object.fromEntries(GLYPHS.map((glyph, number) => [glyph.key, number]));

// {mm, address, walk, pmd, state, table, page, keys}; `state`: table, leaf, fenced (the PMD is none, the
// table it pointed at still stands), empty or missing (no PMD table at all).
/** @param {Machine} machine @param {WindowPlace} where @returns {WindowState} */
export function readWindow(machine, where) {
  const entries = machine.header.geometry.entries;
  const walk = where.mm ? machine.walk(where.mm, where.address) : [];
  const pmd = walk.length > 2 ? walk[2].entry : null;
  const keys = new Uint8Array(entries);
  /** @type {WindowState} */
  const window = { ...where, entries, walk, pmd, state: "empty", table: null, page: -1, keys, cursor: -1 };
  if (!pmd) window.state = "missing";
  else if (pmd.lo & BIT.leaf) window.state = "leaf";
  else {
    window.page = pmd.none ? detachedTable(machine, pmd.cell) : pmd.pfn - machine.startPfn;
    if (window.page >= 0) {
      window.state = pmd.none ? "fenced" : "table";
      window.table = machine.tableOf(window.page);
    }
  }
  keys.fill(window.state === "leaf" ? KEY.huge : KEY.none);
  if (window.table)
    for (let i = 0; i < entries; i++) keys[i] = entryKey(machine, machine.entry(window.table, i));
  return window;
}

// While the PMD is none in mid-collapse the table it pointed at is still there, reachable by nobody.
/** @param {Machine} machine @param {number} cell */
function detachedTable(machine, cell) {
  const before = machine.timeline.lastNonZero(cell);
  if (!before || before.lo & BIT.leaf) return -1;
  const page = (before.hi & 0xfffff) * 1048576 + (before.lo >>> 12) - machine.startPfn;
  return machine.frame("flags", page) & machine.flag.table ? page : -1;
}

// The first of these that holds, in this order; text.py has the same list.
/** @param {Machine} m @param {Entry} entry */
function entryKey(m, entry) {
  if (entry.none) return KEY.none;
  if (!(entry.lo & (BIT.present | BIT.protnone))) return KEY.swap;
  if (entry.lo & BIT.special) return KEY.zero;
  const page = entry.pfn - m.startPfn;
  const folio = m.frame("compound_head", page);
  const flags = m.frame("flags", folio);
  const large = flags & m.flag.head;
  if (m.flag.hwpoison && m.frame("flags", page) & m.flag.hwpoison) return KEY.poison;
  if (flags & m.flag.locked) return KEY.locked;
  const mapped = large ? m.frame("large_mapcount", folio) : m.frame("mapcount", page);
  const held = flags & (m.flag.isolated | m.flag.swapcache);
  if (!held && m.frame("refcount", folio) > mapped) return KEY.pinned;
  if (entry.lo & BIT.uffd) return KEY.uffd;
  if (!(flags & (m.flag.lru | m.flag.isolated))) return KEY.offlru;
  if (large) return KEY.part;
  if (m.frame("mapcount", page) > 1) return KEY.shared;
  if (!(entry.lo & BIT.accessed)) return KEY.old;
  return entry.lo & BIT.rw ? KEY.young : KEY.readonly;
}

/** @param {Machine} machine @param {WindowState} window @param {number} index */
export function addressOf(machine, window, index) {
  return window.address + (BigInt(index) << BigInt(machine.header.geometry.page_shift));
}

// What can be said about one entry of the window: {index, address, entry, key, page, cell}.
/** @param {Machine} machine @param {WindowState} window @param {number} index @returns {EntryState} */
export function readEntry(machine, window, index) {
  const address = addressOf(machine, window, index);
  /** @type {EntryState} */
  const about = {
    index,
    address,
    key: GLYPHS[window.keys[index]],
    entry: null,
    page: -1,
    cell: window.pmd ? window.pmd.cell : -1,
  };
  if (window.state === "leaf" && window.pmd) about.page = window.pmd.pfn - machine.startPfn + index;
  if (!window.table) return about;
  about.entry = machine.entry(window.table, index);
  about.cell = about.entry.cell;
  if (about.entry.lo & (BIT.present | BIT.protnone)) about.page = about.entry.pfn - machine.startPfn;
  return about;
}

// The entry of a window that maps a page frame, or -1.
/** @param {Machine} machine @param {WindowState} window @param {number} page */
export function entryOfPage(machine, window, page) {
  return Array.from(window.keys).findIndex((_, i) => readEntry(machine, window, i).page === page);
}
