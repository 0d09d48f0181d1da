// A page fault: the touch, the walk, the questions in their order, and the way that the run took to one of the outcomes.

import { OUTCOMES, outcomes, SHORT, small, stopsEarly } from "./fault_outcomes.js";
import { narrowPlaces, widePlaces } from "./fault_places.js";
import { drawWalk, shortTime, touchAndClock, touchWords } from "./fault_walk.js";
import { QUESTIONS, readFault } from "./faults.js";
import { path, rect, words } from "./marks.js";

/** @import { FaultBox, FaultPlaces, FaultState, FaultWay, Mark, SceneModule } from "../types.js" */

// Of each question: its lines in a box, its words on a phone, its name in the row below and in the text.
/** @type {Record<string, { asks: (entries: number) => string[], name: string }>} */
const WORDS = {
  empty: { asks: () => ["Is the level", "3 entry", "empty?"], name: "PMD empty" },
  allowed: { asks: () => ["Are huge", "pages", "allowed?"], name: "allowed" },
  whole: { asks: () => ["Does a", "huge page", "fit here?"], name: "fits" },
  block: { asks: (entries) => [`Are ${entries} in`, "a row free?"], name: "block free" },
  make: { asks: () => ["Compaction", "helps?"], name: "block made" },
  room: { asks: () => ["Has the", "cgroup", "room?"], name: "cgroup" },
};
const STOP = ["✗ stopped:", "userfaultfd", "watches it"]; // where the next question would be
const AROUND = ["empty-block", "empty-huge"]; // ways that are only drawn where they were taken, and in place of these:
const HIDDEN = ["empty-no", "whole-zero"];

// The ways that the run took, each to its next question or to the outcome.
/** @param {FaultState} state */
function taken({ answers, was, outcome }) {
  const ways = new Set(Object.entries(answers).map(([question, answer]) => `${question}-${answer}`));
  ways.delete("room-yes");
  if (answers.room === "yes") ways.add(answers.make === "yes" ? "room-late" : "room-huge");
  if (was === "huge" && outcome !== "small") {
    ways.delete("empty-no");
    if (answers.block) ways.add("empty-block");
    else if (outcome) ways.add("empty-huge");
  }
  if (!answers.block && outcome !== "stopped") ways.delete("whole-yes"); // a page that is only read may go another way
  if (outcome === "zero") ways.add("whole-zero");
  return ways;
}

/** @param {string} k @param {FaultWay} way @param {"yes" | "no" | ""} as @returns {Mark[]} */
function drawWay(k, { points, label }, as) {
  const cls = as ? `sc-f-way sc-f-way-${as}` : "sc-f-way";
  const [ax, ay] = points[points.length - 2];
  const [bx, by] = points[points.length - 1];
  const [dx, dy] = [Math.sign(bx - ax), Math.sign(by - ay)];
  const back = as ? 9 : 6;
  const head = `M${bx} ${by}L${bx - dx * back - dy * back * 0.6} ${by - dy * back - dx * back * 0.6}L${bx - dx * back + dy * back * 0.6} ${by - dy * back + dx * back * 0.6}z`;
  const marks = [
    path(`way-${k}`, points.map(([x, y], i) => `${i ? "L" : "M"}${x} ${y}`).join(""), cls),
    path(`head-${k}`, head, as ? `sc-f-head-${as}` : "sc-f-head"),
  ];
  if (!label || (!as && label === "yes")) return marks;
  const [[x, y], [x2, y2]] = points;
  const tone = as ? "sc-strongtext" : "sc-quiettext";
  if (x === x2) {
    const below = y2 - y < 20 ? y + 12 : y + 16;
    marks.push(words(`label-${k}`, x + 8, y2 > y ? below : y - 7, label, tone));
  } else marks.push(words(`label-${k}`, (x + Math.min(x2, x + 40)) / 2, y - 6, label, `sc-middle ${tone}`));
  return marks;
}

const SIGNS = { yes: "✓", no: "✗" };

/** @param {FaultState} state @param {FaultPlaces} places @param {number} entries @param {boolean} narrow @returns {Mark[]} */
function questions(state, { boxes }, entries, narrow) {
  const { answers } = state;
  return QUESTIONS.flatMap((name) => {
    const { x, y, w, h } = boxes[name];
    const stops = name === "block" && stopsEarly(state);
    const answer = stops ? "no" : answers[name];
    const lines = stops ? STOP : WORDS[name].asks(entries);
    const shown = narrow ? [lines.join(" ")] : lines;
    const marks = [
      rect(
        `q-${name}`,
        x,
        y,
        w,
        h,
        `sc-f-box sc-f-${answer ?? "open"}${name === "make" ? " sc-door" : ""}`,
        9,
      ),
    ];
    shown.forEach((line, i) => {
      marks.push(
        words(
          `q-${name}-${i}`,
          x + 8,
          y + (narrow ? 21 : 21 + i * 17),
          line,
          answer ? "sc-strongtext" : "sc-quiettext",
        ),
      );
    });
    const said = narrow && answer ? SIGNS[answer] : answer; // a phone has no room for the word
    if (said && !stops) marks.push(words(`q-${name}-a`, x + w - 5, y + h - 7, said, "sc-end sc-strongtext"));
    return marks;
  });
}

/** @param {FaultState | null} state @returns {import("../types.js").ScenePart["state"]} */
function endOf(state) {
  if (!state?.outcome) return "later";
  if (state.outcome === "stopped") return "failed";
  return state.done ? "done" : "now";
}

/** @type {SceneModule} */
export const faultScene = {
  partsAreKnown: true,
  height: ({ narrow }) => (narrow ? 574 : 376),
  marks(moment, { width, narrow }) {
    const state = readFault(moment);
    if (!state) return [words("none", width / 2, 120, "No page fault has happened yet.", "sc-middle sc-big")];
    const places = narrow ? narrowPlaces(width) : widePlaces(width, state.waited !== null);
    const ways = taken(state);
    const hidden = AROUND.some((name) => ways.has(name)) ? [...AROUND, ...HIDDEN] : AROUND;
    const shown = Object.keys(places.ways).filter((name) => ways.has(name) || !hidden.includes(name));
    // What was taken is drawn last, so that it lies on top.
    shown.sort((a, b) => Number(ways.has(a)) - Number(ways.has(b)));
    return [
      ...touchAndClock(state, places, narrow),
      ...drawWalk(state, places, narrow),
      ...shown.flatMap((name) =>
        drawWay(name, places.ways[name], ways.has(name) ? (name.endsWith("-no") ? "no" : "yes") : ""),
      ),
      ...questions(state, places, state.mapped.length, narrow),
      ...outcomes(state, places, narrow),
      ...small(state, places),
    ];
  },
  parts(moment) {
    const state = readFault(moment);
    const asked = QUESTIONS.map((name) => {
      const answer = state?.answers[name];
      return /** @type {const} */ ({
        name: WORDS[name].name,
        state: !answer ? "later" : answer === "yes" ? "done" : "failed",
      });
    });
    const name = state?.outcome ? SHORT[state.outcome] : "outcome";
    return [...asked, { name, state: endOf(state) }];
  },
  lines(moment) {
    const state = readFault(moment);
    if (!state) return [];
    const { answers, mapped, outcome, waited, pmd } = state;
    const count = mapped.filter(Boolean).length;
    const what =
      pmd === "huge" ? `it maps ${mapped.length} pages` : `${count} of ${mapped.length} entries mapped`;
    const asked = QUESTIONS.filter((name) => answers[name]).map(
      (name) => `${WORDS[name].name} ${answers[name]}`,
    );
    const end = outcome
      ? `${outcome === "stopped" ? "nothing is mapped" : state.done ? "mapped" : "the way leads to"}: ${OUTCOMES[outcome]}`
      : "not decided yet";
    return [
      `${touchWords(state)} 0x${state.address.toString(16)}: PMD ${pmd}, ${what}`,
      asked.join(", "),
      waited === null ? end : `${end}; waited ${shortTime(waited)}`,
    ];
  },
};
