// What each page frame is used for, as numbers into the list of glyphs. memory.py has the same rules.

import { GLYPHS } from "./glyphs.js";

/** @import { Machine, Pageblock } from "../types.js" */

const KEY = Object.fromEntries(GLYPHS.map((glyph, number) => [glyph.key, number]));

// For each frame of memory one key; `into` is filled and returned.
/** @param {Machine} machine @param {Uint8Array} into */
export function frameKeys(machine, into) {
  const { now, flag } = machine;
  /** @param {string} name */
  const column = (name) => machine.frameCell(name, 0);
  const [flags, heads, orders, references] = ["flags", "compound_head", "order", "refcount"].map(column);
  const blockOrder = machine.value(machine.memMap, "pageblock_order");
  for (let page = 0; page < into.length; page++) {
    const own = now.lo[flags + page];
    if (own & flag.buddy) {
      const end = Math.min(page + 2 ** now.lo[orders + page], into.length);
      into.fill(KEY.free, page, end);
      page = end - 1;
      continue;
    }
    const head = now.lo[heads + page];
    const folio = now.lo[flags + head];
    if (flag.hwpoison && own & flag.hwpoison) into[page] = KEY.poison;
    else if (own & flag.table) into[page] = KEY.pagetable;
    else if (folio & flag.head) into[page] = now.lo[orders + head] >= blockOrder ? KEY.huge : KEY.part;
    else if (own & flag.anon) into[page] = KEY.anon;
    else if (own & (flag.lru | flag.isolated | flag.swapbacked)) into[page] = KEY.file;
    else into[page] = now.lo[references + page] ? KEY.kernel : KEY.percpu;
  }
  return into;
}

const MIGRATE_NAMES = ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate"];

// The pageblocks: {number, first, end, type}, frames by their page numbers.
/** @param {Machine} machine @returns {Pageblock[]} */
export function pageblocks(machine) {
  const { memMap } = machine;
  const size = 2 ** machine.value(memMap, "pageblock_order");
  const offset = machine.value(memMap, "first_block_offset");

  const found = [];
  for (let number = 0; number * size - offset < machine.frames; number++) {
    const first = Math.max(number * size - offset, 0);
    const end = Math.min((number + 1) * size - offset, machine.frames);
    found.push({ number, first, end, type: MIGRATE_NAMES[machine.frame("pageblock_migratetype", number)] });
  }
  return found;
}
