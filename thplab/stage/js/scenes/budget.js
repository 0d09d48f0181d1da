// The budget of a pass: a bar from left to right with all that was spent, the limit as a thick line, and the bill.

import { moving, path, rect, widthOf, words } from "./marks.js";
import { billOf, limitWords } from "./passes.js";

/** @import { Block, Mark, PassState } from "../types.js" */

const TICK = 3; // pixels of what costs a unit, which would be too thin to see
const WHOLE = 20; // a budget of more windows than this isn't drawn whole

// How many units the bar is long: it ends at its limit or at what was spent beyond it, unless the limit is far away.
/** @param {PassState} state @param {number} entries */
function lengthOf({ budget, spent }, entries) {
  if (budget <= WHOLE * entries) return Math.max(budget, spent, 1);
  let length = 8 * entries;
  while (length < spent) length *= 2;
  return length * 1.06;
}

/** @param {Block} block */
const classOf = ({ what, huge }) => `sc-unit-${what === "window" && huge ? "huge" : what}`;

// What is thin is drawn last: else what is wide would hide it.
const ORDER = ["sc-unit-window", "sc-unit-huge", "sc-unit-vma", "sc-unit-visit"];

// Blocks of one kind as one path, and words in those windows that have room for them.
/** @param {PassState} state @param {(units: number) => number} along @param {number} y @param {number} h @returns {Mark[]} */
function blocks(state, along, y, h) {
  const groups = /** @type {Map<string, string[]>} */ (new Map());
  const marks = /** @type {Mark[]} */ ([]);
  state.blocks.forEach((block, i) => {
    const [begin, to] = [along(block.from), along(block.from + block.cost)];
    // Beside the mark of a visit, which is wider than its unit.
    const from = block.what === "vma" && state.blocks[i - 1]?.what === "visit" ? begin + TICK : begin;
    const wide = Math.max(TICK, to - from - (block.what === "window" ? 2 : 0));
    const name = classOf(block);
    groups.set(name, groups.get(name) ?? []);
    const over = block.what === "visit" ? 5 : -1; // so that what is thin is seen beside what is wide
    groups
      .get(name)
      ?.push(`M${from.toFixed(1)} ${y - over}h${wide.toFixed(1)}v${h + 2 * over}h${-wide.toFixed(1)}z`);
    if (block.what !== "window" || wide < 34) return;
    const middle = (from + to) / 2;
    marks.push(
      words(`unit-${i}`, middle, y + h / 2 - 2, String(block.cost), "sc-middle sc-onunit sc-strongtext"),
    );
    const sign = block.huge ? "✓" : "✗";
    const longer = [`${sign} process ${block.mm}`, `${sign} ${block.mm}`];
    const said = longer.find((each) => widthOf(each) + 6 < wide) ?? sign;
    marks.push(words(`unit-s${i}`, middle, y + h / 2 + 15, said, "sc-middle sc-onunit"));
  });
  const shown = [...groups].sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return [...shown.map(([name, d]) => path(name, d.join(""), name)), ...marks];
}

// The bar. `flies`: where the newest block comes from.
/** @param {PassState} state @param {number} entries @param {[x: number, y: number, w: number]} room @param {[x: number, y: number] | null} [flies] @returns {Mark[]} */
export function budgetBar(state, entries, [x, y, w], flies = null) {
  const length = lengthOf(state, entries);
  const along = (/** @type {number} */ units) => x + (units / length) * w;
  const h = 44;
  const far = state.budget > length;
  const marks = [rect("bar", x, y, w, h, "sc-paper"), ...blocks(state, along, y, h)];
  if (state.begin)
    marks.push(path("spent-at", `M${along(state.spent)} ${y + h + 2}l7 11h-14z`, "sc-hand-tip"));
  const newest = state.blocks[state.blocks.length - 1];
  if (flies && newest)
    marks.push(moving(rect("flies", along(newest.from), y, 10, h, `${classOf(newest)} sc-flies`), flies));
  if (state.begin && !far) {
    const limit = along(state.budget) - (state.budget < length ? 0 : 2); // inside of the bar's end
    marks.push(path("limit", `M${limit} ${y - 7}v${h + 14}`, "sc-limit"));
  } else if (state.begin)
    marks.push(path("limit", `M${x + w - 12} ${y - 4}l-6 ${h + 8}m12 0l6 ${-h - 8}`, "sc-far"));
  return marks;
}

// Why a pass is over.
/** @param {string} over */
export const overWords = (over) => `the pass is over: ${over}`;

// The bar's two numbers: what is spent, and what is left of the limit or over it.
/** @param {PassState} state @returns {[spent: string, left: string]} */
export function budgetWords({ begin, budget, spent }) {
  if (!begin) return ["no pass yet", ""];
  if (limitWords(budget) === "unlimited") return [`${spent} spent`, "no limit"];
  return [`${spent} spent`, spent > budget ? `${spent - budget} over the limit` : `${budget - spent} left`];
}

const KEY = "1 unit, drawn wider than to scale";

// Between the bar's two numbers: why the pass is over, else what a thin mark is.
/** @param {PassState} state @param {number} centre @param {number} y @returns {Mark[]} */
export function budgetNote({ over }, centre, y) {
  if (over) return [words("bar-over", centre, y + 1, overWords(over), "sc-middle sc-strongtext")];
  const left = centre - (widthOf(KEY, 13) + 24) / 2;
  return [
    rect("bar-key-visit", left, y - 12, 4, 15, "sc-unit-visit"),
    rect("bar-key-vma", left + 8, y - 12, 4, 15, "sc-unit-vma"),
    words("bar-key", left + 20, y, KEY, "sc-small sc-quiettext"),
  ];
}

/** @type {[Block["what"], string, string][]} */
const ROWS = [
  ["visit", "visits to a process", "visits"],
  ["vma", "mappings passed over", "mappings"],
  ["window", "windows, any result", "windows"],
];

// The bill in three lines and their sum.
/** @param {PassState} state @param {[x: number, y: number, w: number]} room @returns {Mark[]} */
export function bill(state, [x, y, w]) {
  const marks = [rect("bill", x, y, w, 116, "sc-frame", 5)];
  ROWS.forEach(([what, long, short], i) => {
    const row = y + 22 + i * 26;
    const { count, units } = billOf(state, what);
    const costs = new Set(state.blocks.filter((block) => block.what === what).map(({ cost }) => cost));
    const each = what === "vma" ? 1 : [...costs][0];
    const times = !count ? "0" : what !== "vma" && costs.size > 1 ? `${count}` : `${count} × ${each}`;
    marks.push(
      rect(`bill-${what}`, x + 12, row - 13, what === "window" ? 14 : 5, 17, `sc-unit-${what}`),
      ...(what === "window" ? [rect("bill-huge", x + 19, row - 13, 7, 17, "sc-unit-huge")] : []),
      words(`bill-n${i}`, x + 34, row, w < 300 ? short : long),
      words(`bill-t${i}`, x + w - 78, row, times, "sc-end sc-quiettext"),
      words(`bill-u${i}`, x + w - 12, row, String(units), "sc-end sc-strongtext"),
    );
  });
  marks.push(
    path("bill-line", `M${x + 12} ${y + 85}h${w - 24}`, "sc-rule"),
    words("bill-all", x + 34, y + 105, "units together"),
    words("bill-sum", x + w - 12, y + 105, String(state.spent), "sc-end sc-big"),
  );
  return marks;
}
