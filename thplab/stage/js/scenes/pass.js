// A pass: whom khugepaged visits next, and what each unit of its budget was spent on.

import { nearest, toldOfPasses } from "../data/visits.js";
import { bill, budgetBar, budgetNote, budgetWords, overWords } from "./budget.js";
import { paragraph, rect, rings, widthOf, words, wrapped } from "./marks.js";
import { drawClock } from "./pass_clock.js";
import { drawRing, seatOf, seatsOf } from "./pass_ring.js";
import { billOf, limitWords, readList, readPass, reasonsOf } from "./passes.js";

/** @import { Mark, Moment, PassState, PassTold, SceneModule, ScenePart, Thing } from "../types.js" */

// Where everything is, from the width: beside each other, or below each other on a phone.
/** @param {number} width @param {boolean} narrow @returns {{ ring: import("./pass_ring.js").Ring, bar: [number, number, number], bill: [number, number, number], so_far: [number, number, number, number], clock: [number, number, number] }} */
function layout(width, narrow) {
  if (narrow)
    return {
      ring: { x: 112, y: 120, far: 70, r: 24 },
      so_far: [222, 30, width - 224, 178],
      bar: [8, 248, width - 16],
      bill: [8, 337, width - 16],
      clock: [8, 467, width - 16],
    };
  const x = 330;
  const w = width - x - 4;
  const half = Math.round((w - 16) * 0.6);
  return {
    ring: { x: 150, y: 184, far: 118, r: 28 },
    bar: [x, 26, w],
    bill: [x, 124, half],
    so_far: [x + half + 16, 124, w - half - 16, 116],
    clock: [x, 266, w],
  };
}

// What has come of it: windows that are huge now, this pass's tries, and why some failed.
/** @param {PassState} state @param {PassTold} list @param {[x: number, y: number, w: number, h: number]} room @returns {Mark[]} */
function soFar(state, list, [x, y, w, h]) {
  const windows = state.blocks.filter(({ what }) => what === "window");
  const huge = windows.filter((block) => block.huge).length;
  const small = w < 190;
  const left = x + (small ? 8 : 14);
  const inner = w - 2 * (left - x);
  const number = String(list.collapsed);
  const beside = left + 10 + widthOf(number, 28, 700);
  const reasons = reasonsOf(state);
  const refused = windows.length - huge;
  const whose = reasons.length === 1 ? reasons[0].replace(/^\d+ /, "") : reasons.join(", ");
  const why = refused
    ? wrapped(
        `✗ ${refused} stay as they are: ${whose}`.replace("1 stay as they are", "1 stays as it is"),
        inner,
        13,
      )
    : [];
  const first = y + (small ? 104 : 83);
  const room = Math.floor((y + h - first - 4) / 17) + 1;
  const shown = why.slice(0, room);
  if (why.length > room) shown[room - 1] = `${shown[room - 1].replace(/,$/, "")} …`;
  return [
    rect("so-far", x, y, w, h, "sc-frame", 5),
    words("so-far-n", left, y + 38, number, "sc-number"),
    words("so-far-are", beside, y + 21, list.collapsed === 1 ? "window" : "windows", "sc-small"),
    words(
      "so-far-all",
      small ? left : beside,
      y + (small ? 57 : 38),
      small ? "made huge" : "made huge since boot",
      "sc-small",
    ),
    ...paragraph(
      "so-far-now",
      left,
      y + (small ? 84 : 64),
      [`${small ? "" : "in "}this pass: ✓ ${huge}${small ? "" : " made huge"}`],
      "",
      19,
    ),
    ...paragraph("so-far-why", left, first, shown, "sc-small", 17),
  ];
}

/** @param {PassState} state */
const titleOf = ({ begin }) => `budget of ${begin ? `pass ${begin.values.number}` : "a pass"}, in units`;

/** @param {Moment} moment @param {PassState} state @param {PassTold} list @param {ReturnType<typeof layout>} places @returns {Mark[]} */
function drawBudget(moment, state, list, { ring, bar }) {
  const [x, y, w] = bar;
  const [spent, left] = budgetWords(state);
  const short = w <= 500 && state.over ? `over: ${state.over}` : left;
  const newest = state.blocks[state.blocks.length - 1];
  const flies = newest?.told.moment === moment.step ? seatOf(ring, list, newest.mm) : null;
  const limit = state.begin ? `limit ${limitWords(state.budget)}` : "";
  return [
    words("bar-title", x, y - 12, titleOf(state), "sc-strongtext"),
    words("bar-limit", x + w, y - 12, limit, "sc-end sc-quiettext"),
    ...budgetBar(state, moment.reader.header.geometry.entries, bar, flies),
    ...(w > 500 && state.blocks.length ? budgetNote(state, x + w / 2, y + 76) : []),
    words("bar-spent", x, y + 78, spent, "sc-big"),
    words(
      "bar-left",
      x + w,
      y + 78,
      short,
      state.over || left.includes("over") ? "sc-end sc-strongtext" : "sc-end sc-quiettext",
    ),
  ];
}

const LAPS = ["lap: once round this list, counted since boot", "pass: what is done between two naps"];
const LAP = "lap: once round it"; // on a phone

/** @type {SceneModule} */
export const passScene = {
  height: ({ narrow }) => (narrow ? 576 : 376),
  marks(moment, { width, narrow, chosen }) {
    const state = readPass(moment);
    const list = readList(moment);
    const places = layout(width, narrow);
    return [
      words(
        "list-title",
        2,
        14,
        narrow ? "khugepaged's list" : "khugepaged's list of processes",
        "sc-strongtext",
      ),
      words("list-n", 2, 31, nextWords(list, narrow), "sc-small"),
      ...drawRing(places.ring, list, state),
      ...chosenMarks(moment, chosen, places, narrow),
      ...drawBudget(moment, state, list, places),
      ...bill(state, places.bill),
      ...soFar(state, list, places.so_far),
      ...drawClock(moment, state, places.clock),
      ...asleep(state, places.ring),
      ...(narrow || chosen || !list.names.length
        ? []
        : paragraph("laps-key", 2, 352, LAPS, "sc-small sc-quiettext", 17)),
      ...(narrow && list.names.length ? [words("laps-key", 142, 14, LAP, "sc-small sc-quiettext")] : []),
    ];
  },
  lines(moment) {
    const state = readPass(moment);
    const list = readList(moment);
    const next = list.cursor ? `the cursor is on process ${list.cursor}` : "the cursor is on none";
    const who = list.names.length ? `${listed(list)}, ${next}` : "the list is empty";
    const refused = reasonsOf(state);
    const why = refused.length ? `, refused in this pass: ${refused.join(", ")}` : "";
    const so_far = `${list.laps} laps and ${list.collapsed} windows collapsed since boot${why}`;
    if (!state.begin) return [who, "no pass has begun", so_far];
    const [visits, mappings, windows] = /** @type {const} */ (["visit", "vma", "window"]).map((what) =>
      billOf(state, what),
    );
    const over = state.over && `, ${overWords(state.over)}`;
    const spent = `pass ${state.begin.values.number}${over}: ${state.spent} of ${limitWords(state.budget)} units spent`;
    const on = `visits ${visits.units}, mappings passed over ${mappings.units}, ${windows.count} windows ${windows.units}`;
    return [who, `${spent}: ${on}`, so_far];
  },
  parts,
  things,
  thingAt(moment, { width, narrow }, x, y) {
    const { ring } = layout(width, narrow);
    const list = readList(moment);
    const near = list.names.find((name) => {
      const [sx, sy] = seatOf(ring, list, name) ?? [-ring.r, -ring.r];
      return Math.hypot(x - sx, y - sy) <= ring.r;
    });
    return near ?? "";
  },
};

// The processes of the list; into one the run goes when it visits it.
/** @param {Moment} moment @returns {Thing[]} */
function things(moment) {
  const state = readPass(moment);
  const list = readList(moment);
  const told = toldOfPasses(moment.reader);
  return list.names.map((name, place) => {
    const share = state.mms.get(name);
    const spent = share?.spent ?? 0;
    const says = share?.busy ? "passed by, busy" : `${spent} ${spent === 1 ? "unit" : "units"} in this pass`;
    return {
      key: name,
      words: `process ${name}, ${says}`,
      here: place === list.at,
      enters: () => nearest(told, moment.step, ({ kind, values }) => kind === "visit" && values.mm === name),
    };
  });
}

/** @param {Moment} moment @param {string} chosen @param {ReturnType<typeof layout>} places @param {boolean} narrow @returns {Mark[]} */
function chosenMarks(moment, chosen, { ring, so_far }, narrow) {
  const thing = things(moment).find(({ key }) => key === chosen);
  if (!thing) return [];
  const seat = seatOf(ring, readList(moment), chosen);
  const [x, y, w, h] = narrow ? so_far : [2, 0, 300, 376];
  const lines = wrapped(`chosen: ${thing.words}; Enter goes there`, w - 16, 13);
  return [
    ...(seat ? [rings("chosen", [seat], ring.r + 5, "sc-chosen")] : []),
    ...paragraph(
      "chosen-t",
      x + (narrow ? 8 : 0),
      y + h - 6 - 17 * (lines.length - 1),
      lines,
      "sc-small sc-strongtext",
      17,
    ),
  ];
}

/** @param {PassTold} list */
const listed = ({ names }) => `${names.length} ${names.length === 1 ? "process" : "processes"}`;

// Whom the next visit is to, short enough to stand beside the ring.
/** @param {PassTold} list @param {boolean} narrow */
function nextWords(list, narrow) {
  if (!list.names.length) return "nobody is on it";
  return `next: ${narrow ? "" : "process "}${list.cursor || list.names[0]}`;
}

// While it sleeps, the letters that everybody knows, above the ring.
/** @param {PassState} state @param {{ x: number, y: number, far: number, r: number }} ring @returns {Mark[]} */
function asleep(state, { x, y, far, r }) {
  const last = state.told[state.told.length - 1];
  if (!["nap", "no_work", "alloc_nap"].includes(last?.kind ?? "")) return [];
  return [words("asleep", x + far + r - 6, y - far - 2, "zZ", "sc-end sc-big")];
}

// The processes of this pass in the order of the list, and the nap behind them.
/** @param {Moment} moment @returns {ScenePart[]} */
function parts(moment) {
  const state = readPass(moment);
  const list = readList(moment);
  if (!list.names.length) return [];
  const seats = seatsOf(list).map(({ name, place, left }) => {
    const share = state.mms.get(name);
    const now = !state.ended && place === list.at && place >= 0;
    const said = left
      ? `${left} more`
      : share?.busy
        ? `process ${name}: busy`
        : share?.spent
          ? `process ${name}: ${share.spent}`
          : `process ${name}`;
    return {
      name: said,
      state: /** @type {ScenePart["state"]} */ (now ? "now" : share?.seen ? "done" : "later"),
    };
  });
  return [...seats, { name: "nap", state: state.ended ? "now" : "later" }];
}
