// Reads a machine's state from cells: objects, columns, page tables. It decides nothing, it decodes.

/** @import { Cells, ColumnInfo, Entry, ObjectInfo, Recording, Timeline, Value, WalkStep } from "../types.js" */

// biome-ignore format: a table
export const BIT = {
  present: 1, rw: 2, user: 4, accessed: 32, dirty: 64, leaf: 128, protnone: 256, special: 512, uffd: 1024, softdirty: 2048,
};
const TWO_32 = 4294967296;
const ABSENT = 255;

export class Machine {
  /** @param {Recording} recording @param {Timeline} timeline */
  constructor(recording, timeline) {
    this.header = recording.header;
    this.timeline = timeline;
    this.now = timeline.now;
    this.columnByLabel = new Map(this.header.columns.map((column) => [column.label, column]));
    this.root = this.header.objects[0];
    this.memMap = this.object(this.value(this.root, "mem_map"));
    this.startPfn = this.value(this.memMap, "start_pfn");
    this.frames = this.value(this.memMap, "nr_frames");
    this.bits = Object.entries(this.header.page_flags).sort((a, b) => a[1] - b[1]);
    this.flag = Object.fromEntries(this.bits.map(([name, bit]) => [name, 2 ** bit]));
    this.locks = this.header.objects.filter((object) => object.type === "Lock");
  }

  /** @param {{ ref: number } | null | undefined} reference @returns {Value} */
  object(reference) {
    return reference ? this.header.objects[reference.ref] : null;
  }

  /** @param {ObjectInfo} object @param {string} field */
  cellOf(object, field) {
    return object.base + object.fields.indexOf(field);
  }

  // The value of a field: a number, null, a string, or a reference; undefined before it exists.
  /** @param {ObjectInfo} object @param {string} field @param {Cells} [cells] @returns {Value} */
  value(object, field, cells = this.now) {
    if (!object.fields.includes(field)) return undefined;
    const cell = this.cellOf(object, field);
    const kind = cells.kind[cell];
    if (kind === ABSENT) return undefined;
    return kind === 1 ? this.header.values[cells.lo[cell]] : cells.lo[cell] + cells.hi[cell] * TWO_32;
  }

  // The cell of an item of a column, which a recording of a machine always has.
  /** @param {string} label @param {number} index */
  itemCell(label, index) {
    return /** @type {ColumnInfo} */ (this.columnByLabel.get(label)).base + index;
  }

  // The same of a page frame's.
  /** @param {string} field @param {number} page */
  frameCell(field, page) {
    return this.itemCell(`mem_map.${field}`, page);
  }

  /** @param {string} label @param {number} index @param {Cells} [cells] */
  item(label, index, cells = this.now) {
    const cell = this.itemCell(label, index);
    return cells.lo[cell] + cells.hi[cell] * TWO_32;
  }

  /** @param {string} field @param {number} page */
  frame(field, page) {
    return this.now.lo[this.frameCell(field, page)];
  }

  // The frame that an entry (as lo/hi) of a page table maps as an ordinary page, or -1.
  /** @param {{ lo: number, hi: number }} entry */
  pageAt({ lo, hi }) {
    if (!(lo & (BIT.present | BIT.protnone)) || lo & BIT.special) return -1;
    return split(lo, hi, -1).pfn - this.startPfn;
  }

  // Does a frame belong to nobody?
  /** @param {number} page */
  isFree(page) {
    return this.frame("refcount", page) === 0 && !(this.frame("flags", page) & this.flag.tail);
  }

  /** @param {number} page */
  isLocked(page) {
    return Boolean(this.frame("flags", this.frame("compound_head", page)) & this.flag.locked);
  }

  // Free frames of the machine.
  freeFrames() {
    const zones = this.header.objects.filter((object) => object.type === "Zone");
    return zones.reduce((sum, zone) => sum + (this.value(zone, "free_pages") ?? 0), 0);
  }

  // How many blocks a free list has, by the number of its head.
  /** @param {number} head */
  freeBlocks(head) {
    let count = 0;
    for (let at = this.frame("lru_next", head); at !== head; at = this.frame("lru_next", at)) count++;
    return count;
  }

  // The lock of a page's table, or undefined.
  /** @param {number} page @returns {number | undefined} */
  tableLock(page) {
    return this.root.maps.ptlocks[page]?.[1];
  }

  // Names of the flags of a page.
  /** @param {number} page */
  flagsOf(page) {
    const flags = this.frame("flags", page);
    return this.bits.filter(([, bit]) => flags & (1 << bit)).map(([name]) => name);
  }

  /** @param {number} page @returns {ColumnInfo | null} */
  tableOf(page) {
    const found = this.root.maps.tables[page];
    return found ? this.header.columns[found[1]] : null;
  }

  // Entry number `index` of a table: 64 bits do not fit a number, so they stay two halves.
  /** @param {ColumnInfo} table @param {number} index @returns {Entry} */
  entry(table, index) {
    const cell = table.base + index;
    return split(this.now.lo[cell], this.now.hi[cell], cell);
  }

  // The walk of an address: [{level, index, entry, page}], ending at a leaf or at an empty entry;
  // `page` is where the table stands.
  /** @param {ObjectInfo} mm @param {bigint} address @returns {WalkStep[]} */
  walk(mm, address) {
    const g = this.header.geometry;
    /** @type {[WalkStep["level"], number][]} */
    // biome-ignore format: a table
    const shifts = [["PGD", g.pgdir_shift], ["PUD", g.pud_shift], ["PMD", g.pmd_shift], ["PTE", g.page_shift]];
    const steps = /** @type {WalkStep[]} */ ([]);
    let page = this.value(mm, "pgd");
    for (const [level, shift] of shifts) {
      const table = this.tableOf(page);
      if (!table) break;
      const index = Number((address >> BigInt(shift)) & BigInt(g.entries - 1));
      const entry = this.entry(table, index);
      steps.push({ level, index, entry, page });
      if (level === "PTE" || !(entry.lo & BIT.present) || entry.lo & BIT.leaf) break;
      page = entry.pfn - this.startPfn;
    }
    return steps;
  }
}

/** @param {number} lo @param {number} hi @param {number} cell @returns {Entry} */
export function split(lo, hi, cell) {
  return { lo, hi, cell, pfn: (hi & 0xfffff) * 1048576 + (lo >>> 12), none: lo === 0 && hi === 0 };
}

/** @param {{ lo: number, hi: number }} entry */
export function hex64(entry) {
  return hex((BigInt(entry.hi) << 32n) | BigInt(entry.lo));
}

/** @param {number | bigint} number */
export function hex(number) {
  return `0x${number.toString(16)}`;
}

const BIT_NAMES = ["P", "RW", "US", "", "", "A", "D", "PS", "PROTNONE", "SP", "WP", "SD"]; // by their numbers

// The hardware's bits of an entry by their names, e.g. "P RW US A D NX". Without a page behind it the entry is the
// kernel's own number, and its bits mean nothing to the hardware.
/** @param {Entry} entry */
export function bitNames(entry) {
  if (!(entry.lo & (BIT.present | BIT.protnone))) return "";
  const names = BIT_NAMES.filter((name, bit) => name && entry.lo & (1 << bit));
  return [...names, ...(entry.hi >>> 31 ? ["NX"] : [])].join(" ");
}
