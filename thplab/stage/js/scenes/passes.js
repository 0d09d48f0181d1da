// The passes of a recording, read from what is told: what each unit was spent on, up to a moment.
// thplab/reading/scenes/spending.py reads the same in Python.

import { once } from "../data/moment.js";
import { BRIEFLY } from "../data/verdicts.js";
import { toldOfPasses } from "../data/visits.js";

/** @import { Block, Moment, PassState, PassTold, Reader, Sentence } from "../types.js" */

// What is known of the pass of a moment, or of the last one before it.
export const readPass = once(work);

/** @param {Moment} moment @returns {PassState} */
function work(moment) {
  const until = toldOfPasses(moment.reader).filter((told) => told.moment <= moment.step);
  const first = until.findLastIndex(({ kind }) => kind === "pass_begins");
  const mine = first < 0 ? [] : until.slice(first);
  /** @type {PassState} */
  const state = {
    begin: mine[0] ?? null,
    budget: Number(mine[0]?.values.budget ?? 0),
    spent: 0,
    blocks: [],
    mms: new Map(),
    last: mine[mine.length - 1] ?? null,
    over: String(mine.find(({ kind }) => kind === "pass_ends")?.values.over ?? ""),
    ended: mine.some(({ kind }) => kind === "nap" || kind === "no_work"),
    told: until,
  };
  for (const told of mine) account(state, told);
  return state;
}

/** @param {PassState} state @param {Sentence} told */
function account(state, told) {
  const { kind, values } = told;
  const mm = String(values.mm ?? "");
  const share = state.mms.get(mm) ?? { spent: 0, busy: false, seen: false };
  if (kind.startsWith("visit_ends")) {
    // What no sentence told of: a mapping that lies behind the cursor.
    const rest = Number(values.spent) - state.spent;
    if (rest > 0) spend(state, { what: "vma", mm, cost: rest, huge: false, told });
    share.spent += Math.max(rest, 0);
    share.seen ||= kind === "visit_ends";
  } else if (kind === "passed_by") share.busy = true;
  else if (values.cost !== undefined) {
    const what = kind === "visit" ? "visit" : kind.startsWith("vma") ? "vma" : "window";
    spend(state, { what, mm, cost: Number(values.cost), huge: kind === "window_paid_huge", told });
    share.spent += Number(values.cost);
    share.busy = false;
  } else return;
  state.mms.set(mm, share);
}

/** @param {PassState} state @param {Omit<Block, "from">} block */
function spend(state, block) {
  state.blocks.push({ ...block, from: state.spent });
  state.spent += block.cost;
}

// How many of a kind, and their units.
/** @param {PassState} state @param {Block["what"]} what */
export function billOf(state, what) {
  const mine = state.blocks.filter((block) => block.what === what);
  const units = mine.reduce((sum, { cost }) => sum + cost, 0);
  // Several mappings of which nothing was told are one block.
  return { count: what === "vma" ? units : mine.length, units };
}

// Why a window was refused, in two words.
/** @param {Sentence | null} paid */
export const briefly = (paid) => BRIEFLY[String(paid?.values.result)] ?? "refused";

// Why the windows of a pass were refused: each reason with how many windows, in the order of their first one.
/** @param {PassState} state */
export function reasonsOf({ blocks }) {
  const counts = /** @type {Map<string, number>} */ (new Map());
  for (const { what, huge, told } of blocks) {
    if (what !== "window" || huge) continue;
    const why = briefly(told);
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  return [...counts].map(([why, count]) => `${count} ${why}`);
}

// khugepaged's list, its cursor and its counters, as they are at the moment.
export const readList = once(list);

/** @param {Moment} moment @returns {PassTold} */
function list({ reader: { machine } }) {
  const daemon = machine.object(machine.value(machine.root, "khugepaged"));
  const nameOf = (/** @type {any} */ slot) =>
    String(machine.value(machine.object(machine.value(slot, "mm")), "name"));
  const slots = (machine.value(daemon, "mm_head")?.tuple ?? []).map(machine.object, machine);
  const cursor = machine.object(machine.value(daemon, "scan_mm_slot"));
  return {
    names: slots.map(nameOf),
    at: slots.indexOf(cursor),
    cursor: cursor ? nameOf(cursor) : "",
    address: BigInt(machine.value(daemon, "scan_address") ?? 0),
    laps: machine.value(daemon, "full_scans") ?? 0,
    collapsed: machine.value(daemon, "pages_collapsed") ?? 0,
  };
}

export const NO_LIMIT = 1_000_000_000;

/** @param {number} budget */
export const limitWords = (budget) => (budget >= NO_LIMIT ? "unlimited" : String(budget));
