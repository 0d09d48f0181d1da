// The state at any moment: cells, moved forwards and backwards by the journal of changes. What each
// change overwrote is worked out once, so a step back is as exact as a step forwards, and a jump costs no
// more than the changes in between (some ten million a second).

import { firstAbove } from "./lists.js";
/** @import { Cells, Recording } from "../types.js" */
export class Timeline {
  /** @param {Recording} recording */
  constructor(recording) {
    const c = /** @type {any} */ (recording.columns); // of these the type of the items matters
    /** @type {Uint32Array} */
    this.changeEnd = c.m_changes_end;
    /** @type {Uint32Array} */
    this.cell = c.c_cell;
    /** @type {Cells} */
    this.initial = { kind: c.cell_kind, lo: c.cell_lo, hi: c.cell_hi };
    /** @type {Cells} */
    this.after = { kind: c.c_kind, lo: c.c_lo, hi: c.c_hi };
    this.now = copy(this.initial);
    this.before = this.computeOldValues();
    this.length = this.changeEnd.length;
    this.applied = 0;
    this.step = 0;
    /** Numbers of all changes, ascending, cell by cell; those of a cell begin at `first[cell]`. */
    this.history = this.sortByCell();
    this.seek(0);
  }

  computeOldValues() {
    const n = this.cell.length;
    const old = { kind: new Uint8Array(n), lo: new Uint32Array(n), hi: new Uint32Array(n) };
    const state = copy(this.initial);
    for (let i = 0; i < n; i++) {
      put(old, i, state, this.cell[i]);
      put(state, this.cell[i], this.after, i);
    }
    return old;
  }

  /** @param {number} step */
  seek(step) {
    const end = this.changeEnd[step];
    while (this.applied < end) {
      put(this.now, this.cell[this.applied], this.after, this.applied);
      this.applied++;
    }
    while (this.applied > end) {
      this.applied--;
      put(this.now, this.cell[this.applied], this.before, this.applied);
    }
    this.step = step;
  }

  // At once, not at the first question: whoever jumps must not wait for it.
  sortByCell() {
    const count = this.cell.length;
    const first = new Uint32Array(this.now.kind.length + 1);
    for (let i = 0; i < count; i++) first[this.cell[i] + 1]++;
    for (let i = 1; i < first.length; i++) first[i] += first[i - 1];
    const numbers = new Uint32Array(count);
    const next = first.slice();
    for (let i = 0; i < count; i++) numbers[next[this.cell[i]]++] = i;
    return { first, numbers };
  }

  // Numbers of all changes of a cell, ascending.
  /** @param {number} cell */
  changesOf(cell) {
    const { first, numbers } = this.history;
    return numbers.subarray(first[cell], first[cell + 1]);
  }

  // The moment that first showed the cell's present value; -1: it was so from the start.
  /** @param {number} cell */
  lastChange(cell) {
    const changes = this.changesOf(cell);
    const at = firstAbove(changes, this.applied - 1) - 1;
    return at < 0 ? -1 : firstAbove(this.changeEnd, changes[at]);
  }

  // The value of a cell at a moment, whichever is shown (as lo/hi).
  /** @param {number} cell @param {number} step */
  valueAt(cell, step) {
    const changes = this.changesOf(cell);
    const at = firstAbove(changes, this.changeEnd[step] - 1) - 1;
    const [from, i] = at < 0 ? [this.initial, cell] : [this.after, changes[at]];
    return { lo: from.lo[i], hi: from.hi[i] };
  }

  // Neighbouring cells as they are at any moment: those of now, less what changes in between (as lo/hi).
  /** @param {number} first @param {number} count @param {number} step */
  cellsAt(first, count, step) {
    const lo = this.now.lo.slice(first, first + count);
    const hi = this.now.hi.slice(first, first + count);
    const end = this.changeEnd[step];
    /** @param {Cells} values @param {number} i */
    const take = (values, i) => {
      const at = this.cell[i] - first;
      if (at < 0 || at >= count) return;
      lo[at] = values.lo[i];
      hi[at] = values.hi[i];
    };
    for (let i = this.applied; i < end; i++) take(this.after, i);
    for (let i = this.applied - 1; i >= end; i--) take(this.before, i);
    return { lo, hi };
  }

  // The last value other than 0 that a cell had before now (as lo/hi), or null.
  /** @param {number} cell */
  lastNonZero(cell) {
    const changes = this.changesOf(cell);
    for (let at = firstAbove(changes, this.applied - 1) - 1; at >= 0; at--) {
      const i = changes[at];
      if (this.before.lo[i] || this.before.hi[i]) return { lo: this.before.lo[i], hi: this.before.hi[i] };
    }
    return null;
  }
}

/** @param {Cells} to @param {number} at @param {Cells} from @param {number} index */
function put(to, at, from, index) {
  to.kind[at] = from.kind[index];
  to.lo[at] = from.lo[index];
  to.hi[at] = from.hi[index];
}

/** @param {Cells} cells */
function copy(cells) {
  return { kind: cells.kind.slice(), lo: cells.lo.slice(), hi: cells.hi.slice() };
}
