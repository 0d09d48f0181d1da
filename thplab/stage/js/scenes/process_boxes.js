// The windows of a mapping: boxes with words, boxes with a sign, or a strip, as many as there is room for.

import { path, rect, rings, words } from "./marks.js";
import { briefly } from "./passes.js";
import { groupsOf } from "./process_rows.js";

/** @import { Machine, Mark, SpaceRow, SpaceWindow } from "../types.js" */

const LARGE = 104; // the least width of a box with words
const MOST = 124;
const GAP = 6;
const SIGN = 26; // of a box with a sign
const DOTS = 12; // in a row of a miniature, of two rows
const END = 14; // what does not fill a window

/** @param {SpaceWindow} window */
const refusedFor = ({ told, count }) => `${count || ""} ${briefly(told)}`.trim();

// The state of a window in a sign and in words: huge, refused at its last turn, or not asked yet.
/** @param {SpaceWindow} window @returns {[name: string, sign: string, text: string]} */
function looks(window) {
  if (window.state === "huge") return ["huge", "", "huge"];
  if (window.told?.kind === "window_paid") return ["refused", "✗", refusedFor(window)];
  return window.state === "small" ? ["small", "", "small pages"] : ["empty", "", "empty"];
}

// A window's state in words.
/** @param {SpaceWindow} window */
export function windowSays(window) {
  const [name, , text] = looks(window);
  return name === "refused" ? `refused, ${text}` : text;
}

// What a box that is too small for words would say.
/** @param {SpaceRow} row @param {Room} room */
export function saysBeside(row, room) {
  const named = row.windows.find(({ name }) => name === room.named);
  if (!named || sizes(room, row.windows.length).wide >= LARGE) return "";
  const [, sign, text] = looks(named);
  return `${numberOf(named)} ${sign} ${text}`.replace(/ {2,}/g, " ").trim();
}

/** @param {SpaceWindow} window */
const numberOf = ({ name }) => /^window (\d+)$/.exec(name)?.[1] ?? "";

/** @param {number} x @param {number} y @param {number} w @param {number} h */
function hatching(x, y, w, h) {
  const lines = [];
  for (let at = 0; at < w + h; at += 6) {
    const [x0, y0] = at < h ? [x, y + at] : [x + at - h, y + h];
    const [x1, y1] = at < w ? [x + at, y] : [x + w, y + at - w];
    lines.push(`M${x0} ${y0}L${x1} ${y1}`);
  }
  return lines.join("");
}

/** @typedef {{ k: string, x: number, y: number, w: number, h: number, line: number, lines: number, named: string, chosen: string }} Room `line`: from one line to the next; `named`: the window in the sentence; `chosen`: by the reader */

// How many large boxes a line has.
/** @param {number} w */
export const perLine = (w) => Math.floor((w - 2 * (END + 4) + GAP) / (LARGE + GAP));

// How wide boxes are, how far apart, and how many are in a line.
/** @param {Room} room @param {number} count */
function sizes({ w, lines }, count) {
  const inner = w - 2 * (END + 4);
  const each = lines > 1 ? perLine(w) : count;
  const gap = inner / each >= SIGN ? GAP : 0;
  return { each, gap, wide: Math.min(MOST, (inner + gap) / each - gap) }; // there is no gap behind the last
}

// Marks of a row's windows, and where each window is.
/** @param {Machine} machine @param {SpaceRow} row @param {Room} room @returns {{ marks: Mark[], at: (index: number) => [x: number, y: number] }} */
export function drawWindows(machine, row, room) {
  const shown = row.windows;
  const { each, gap, wide } = sizes(room, shown.length);
  const left = room.x + END + 4;
  /** @param {number} index @returns {[number, number]} */
  const at = (index) => {
    const place = index - shown[0].index;
    const line = Math.min(Math.floor(place / each), room.lines - 1);
    return [left + (place - line * each) * (wide + gap), room.y + line * room.line];
  };
  const marks = ends(row, room, left, at(shown[0].index + shown.length), gap);
  const groups = /** @type {Map<string, string[]>} */ (new Map());
  for (const window of shown) {
    const [x, y] = at(window.index);
    const seen = looks(window);
    const d = `M${x.toFixed(1)} ${y}h${Math.max(1, gap ? wide : wide - 1).toFixed(1)}v${room.h}H${x.toFixed(1)}z`;
    groups.set(seen[0], [...(groups.get(seen[0]) ?? []), d]);
    marks.push(...inBox(machine, window, `${room.k}-${window.index}`, x, y, wide, seen));
  }
  const boxes = [...groups].map(([name, d]) => path(`${room.k}-${name}`, d.join(""), `sc-win-${name}`));
  const named = shown.find(({ name }) => name === room.named);
  if (named) {
    const [x, y] = at(named.index);
    marks.push(rect(`${room.k}-named`, x - 1, y - 1, wide + 2, room.h + 2, "sc-named sc-door"));
  }
  const chosen = shown.find(({ name }) => name === room.chosen);
  if (chosen) {
    const [x, y] = at(chosen.index);
    marks.push(rect(`${room.k}-chosen`, x - 4, y - 4, wide + 8, room.h + 8, "sc-chosen", 3));
  }
  return { marks: [...boxes, ...marks], at };
}

/** @param {Machine} machine @param {SpaceWindow} window @param {string} k @param {number} x @param {number} y @param {number} w @param {[string, string, string]} seen @returns {Mark[]} */
function inBox(machine, window, k, x, y, w, seen) {
  if (w >= LARGE) return inside(machine, window, k, x, y, w, seen);
  const [name, sign] = seen;
  const shown = name === "huge" ? "H" : sign;
  return w < SIGN - GAP || !shown
    ? []
    : [words(`${k}-s`, x + w / 2, y + 25, shown, `sc-middle sc-in-${name}`)];
}

// A line below what was not read.
/** @param {[number, number][]} places @param {number} pitch */
const underline = (places, pitch) =>
  places.map(([x, y]) => `M${(x - pitch / 2).toFixed(1)} ${y + 4}h${pitch.toFixed(1)}`).join("");

// What is in a large box: the word, and a miniature of its entries in their order.
/** @param {Machine} machine @param {SpaceWindow} window @param {string} k @param {number} x @param {number} y @param {number} w @param {[string, string, string]} looks @returns {Mark[]} */
function inside(machine, window, k, x, y, w, [name, sign, text]) {
  const middle = x + w / 2;
  const said = `${sign} ${text}`.trim();
  const inHuge = name === "huge" ? " sc-onunit" : "";
  const marks = [
    words(
      `${k}-t`,
      middle,
      y + (inHuge ? 26 : 35),
      said,
      `sc-middle sc-small${inHuge}${inHuge && " sc-strongtext"}`,
    ),
  ];
  const number = numberOf(window);
  if (number) marks.push(words(`${k}-n`, x + 6, y + 16, number, `sc-small sc-strongtext${inHuge}`));
  if (window.state !== "small") return marks;
  const from = x + 30;
  const pitch = (w - 36) / DOTS;
  /** @param {number} i @returns {[number, number]} */
  const place = (i) => [from + pitch * ((i % DOTS) + 0.5), y + 8 + (i < DOTS ? 0 : 8)];
  const { full, hole, unread } = groupsOf(machine, window, 2 * DOTS);
  if (full.length) marks.push(rings(`${k}-full`, full.map(place), 2.5, "sc-mini"));
  if (hole.length) marks.push(rings(`${k}-hole`, hole.map(place), 2, "sc-minihole"));
  if (unread.length) marks.push(path(`${k}-unread`, underline(unread.map(place), pitch), "sc-miniunread"));
  return marks;
}

// Hatched: what a mapping has before its first whole window and behind its last one.
/** @param {SpaceRow} row @param {Room} room @param {number} from @param {[number, number]} to @param {number} gap @returns {Mark[]} */
function ends(row, { k, y, h }, from, [x, below], gap) {
  const marks = [];
  if (row.start < row.first) marks.push(path(`${k}-before`, hatching(from - END - 4, y, END, h), "sc-hatch"));
  if (row.end > row.last) marks.push(path(`${k}-behind`, hatching(x - gap + 4, below, END, h), "sc-hatch"));
  return marks;
}

// A mapping without windows: hatched, with the reason once it is told.
/** @param {Room} room @param {string[]} lines @returns {Mark[]} */
export function drawOver({ k, x, y, w, h }, lines) {
  const wide = Math.min(w, 500);
  return [
    rect(`${k}-over`, x, y, wide, h, "sc-over", 4),
    path(
      `${k}-hatch`,
      hatching(x + 3, y + 3, 12, h - 6) + hatching(x + wide - 15, y + 3, 12, h - 6),
      "sc-hatch",
    ),
    ...lines.map((line, i) =>
      words(`${k}-why${i}`, x + 24, y + h / 2 + 5 + (i - (lines.length - 1) / 2) * 16, line, "sc-small"),
    ),
  ];
}
