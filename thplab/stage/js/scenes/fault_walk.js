// The upper row of the picture of a fault: who touched what, how far the walk came, how long the program has waited.

import { BIT } from "../data/machine.js";
import { paragraph, path, rect, widthOf, words, wrapped } from "./marks.js";
import { sizeWords } from "./names.js";

/** @import { FaultPlaces, FaultState, Mark, WalkStep } from "../types.js" */

// A time of the virtual clock in words; thplab/reading/scenes/fault.py says the same.
/** @param {number} ns */
export function shortTime(ns) {
  /** @param {number} unit */
  const tenths = (unit) => `${Math.floor(ns / unit)}.${Math.floor((ns % unit) / (unit / 10))}`;
  if (ns < 100) return "0 µs";
  if (ns < 1e5) return `${tenths(1e3)} µs`;
  return ns < 1e6 ? `${Math.floor(ns / 1e3)} µs` : `${tenths(1e6)} ms`;
}

const LIGHTS = 60; // milliseconds from one level to the next
const LEVELS = ["PGD", "PUD", "PMD", "PTE"]; // as the kernel calls them

// Why the walk did not come to a level: what it ended at says it.
/** @param {WalkStep | undefined} end @returns {string} */
function below(end) {
  if (end && end.entry.lo & BIT.leaf) return "not needed";
  return !end || end.entry.none ? "no table yet" : "not read";
}

/** @param {FaultState} state @param {number} level @returns {string} */
function meaning({ walk, pmd }, level) {
  const step = walk[level];
  if (!step) return below(walk[walk.length - 1]);
  if (step.entry.none) return "empty";
  if (level === 2) return pmd === "huge" ? "huge page" : "a table";
  return level === 3 ? "a page" : "a table";
}

// What is written in a level's box: which level, how much an entry there covers, and what this one is.
/** @param {FaultState} state @param {number} level @param {boolean} narrow @param {number} room */
function levelLines(state, level, narrow, room) {
  const step = state.walk[level];
  const [covers, is] = [sizeWords(state.covers[level]), meaning(state, level)];
  const name = LEVELS[level];
  if (narrow) return [`level ${level + 1}`, covers, `${name} ${step ? is.replace(/^a | page$/g, "") : "–"}`];
  const last = `${name}: ${is}`;
  return [
    `level ${level + 1} of ${LEVELS.length}`,
    step ? `entry ${step.index}` : "an entry",
    `covers ${covers}`,
    widthOf(last, 13, 600) < room ? last : is,
  ];
}

// The walk down the tables: entries on the way, the one at which it ends framed, those below it not reached.
/** @param {FaultState} state @param {FaultPlaces} places @param {boolean} narrow @returns {Mark[]} */
export function drawWalk(state, { walk: boxes }, narrow) {
  return LEVELS.flatMap((_, level) => {
    const { x, y, w, h } = boxes[level];
    const step = state.walk[level];
    const last = level === state.walk.length - 1;
    const tone = step ? "" : "sc-quiettext";
    const before = boxes[level - 1];
    const cls = !step ? "sc-f-open" : last ? "sc-f-last" : "sc-f-passed";
    return [
      ...(before
        ? [
            path(
              `walk-line-${level}`,
              `M${before.x + before.w} ${y + h / 2}H${x}`,
              step ? "sc-f-walked" : "sc-f-way",
            ),
          ]
        : []),
      { ...rect(`walk-${level}`, x, y, w, h, `sc-f-box ${cls}`, 5), appears: step ? level * LIGHTS : 0 },
      ...levelLines(state, level, narrow, w - 8).map((line, i, { length }) => {
        const strong = i === 0 || i === length - 1 ? "sc-strongtext" : "";
        return words(
          `walk-${level}-${i}`,
          x + w / 2,
          y + 15 + i * 16,
          line,
          `sc-middle sc-small ${strong} ${tone}`,
        );
      }),
    ];
  });
}

/** @param {FaultState} state */
export const touchWords = ({ mm, does }) =>
  does ? `process ${mm} ${does}` : `a call of process ${mm} needs`;

/** @param {FaultState} state @param {FaultPlaces} places @param {boolean} narrow @returns {Mark[]} */
export function touchAndClock(state, { touch, clock }, narrow) {
  const at = `0x${state.address.toString(16)}`;
  const waited = state.waited === null ? null : shortTime(state.waited);
  if (narrow) {
    const marks = [words("touch", 4, 18, `${touchWords(state)} ${at}`, "sc-strongtext")];
    if (waited) marks.push(words("clock", 4, clock.y + 16, `❚❚ process ${state.mm} has waited ${waited}`));
    return marks;
  }
  const marks = [
    rect("touch-box", touch.x, touch.y, touch.w, touch.h, "sc-f-box sc-f-passed", 5),
    path("touch-flash", `M${touch.x + 15} ${touch.y + 8}l-7 11h6l-4 9 9 -12h-6l5 -8z`, "sc-f-flash"),
    ...paragraph(
      "touch",
      touch.x + 26,
      touch.y + 23,
      wrapped(touchWords(state), touch.w - 34, 14, 600),
      "sc-strongtext",
      17,
    ),
    words("touch-at", touch.x + 10, touch.y + touch.h - 8, at),
    path("touch-line", `M${touch.x + touch.w} ${touch.y + touch.h / 2}h17`, "sc-f-walked"),
  ];
  if (waited)
    marks.push(
      rect("clock-box", clock.x, clock.y, clock.w, clock.h, "sc-f-box sc-waits", 5),
      words("clock-who", clock.x + 10, clock.y + 20, "❚❚ it has waited"),
      words("clock", clock.x + clock.w - 10, clock.y + 46, waited, "sc-end sc-big"),
    );
  return marks;
}
