// The entry in hand, spelled out as the kernel's questions in their order.

import { QUESTIONS, STATES } from "../data/questions.js";
import { paragraph, rect, widthOf, words, wrapped } from "./marks.js";
import { answersOf } from "./scans.js";
import { unreadWords } from "./window_text.js";

/** @import { Answer, Mark, ScanState } from "../types.js" */

const UNASKED = "MADV_COLLAPSE does not ask what was used lately.";
const GAP = 4;
const HEAD = 29;
/** @param {boolean} narrow */
const roomOf = (narrow) => (narrow ? 30 : 33); // height of a question
/** @param {boolean} narrow */
const acrossOf = (narrow) => (narrow ? 3 : 5);
const SAYS = { yes: "✓ yes", no: "✗ no", counted: "no: +1", counts: "yes: +1", without: "no", unasked: "" };

/** @param {string} key @param {Answer} answer @param {number} x @param {number} y @param {number} w @param {number} h @param {number} appears @returns {Mark[]} */
function box(key, answer, x, y, w, h, appears) {
  const { words: asked, looksAt } = QUESTIONS[key];
  return [
    { ...rect(`q-${key}`, x, y, w, h, `sc-w-ask sc-w-is-${answer}`, 4), appears },
    words(`q-t-${key}`, x + 5, y + 13, asked, answer === "unasked" ? "sc-small sc-quiettext" : "sc-small"),
    words(
      `q-a-${key}`,
      x + 5,
      y + 28,
      SAYS[answer] || looksAt,
      answer === "unasked" ? "sc-small sc-quiettext" : "sc-small sc-strongtext",
    ),
  ];
}

/** @param {string[]} asks @param {Answer[]} answers @param {number} x @param {number} y @param {number} width @param {number} across @param {number} room @returns {Mark[]} */
function boxes(asks, answers, x, y, width, across, room) {
  const w = (width - (across - 1) * GAP) / across;
  return asks.flatMap((key, i) =>
    box(
      key,
      answers[i],
      x + (i % across) * (w + GAP),
      y + Math.floor(i / across) * (room + GAP),
      w,
      room,
      i * Math.min(60, 190 / asks.length),
    ),
  );
}

// The questions at the end have all the room to themselves, and say their numbers.
/** @param {ScanState} scan @param {Answer[]} answers @param {number} x @param {number} y @param {number} width @param {number} room @returns {Mark[]} */
function lastBoxes({ asksLast, counts, need }, answers, x, y, width, room) {
  if (!asksLast.length)
    return paragraph("q-none", x + 5, y + 18, wrapped(UNASKED, width - 10), "sc-quiettext");
  const marks = boxes(asksLast, answers, x, y, width, asksLast.length, room);
  const at = asksLast.indexOf("enough");
  const left = x + 5 + at * ((width + GAP) / asksLast.length);
  if (at >= 0 && answers[at] !== "unasked")
    marks.push(words("q-more", left, y + 48, `${counts.referenced} used, ${need} needed`, "sc-small"));
  return marks;
}

/** @param {string} letter */
function stateWords(letter) {
  if (letter === "u") return "a page, used lately";
  if (letter === "n") return "a page, not used lately";
  if (letter === "h" || letter === "H") return "a page, shared";
  return STATES[letter].words;
}

/** @param {ScanState} scan @returns {Answer[]} */
function lastAnswers({ asksLast, veto }) {
  const at = asksLast.indexOf(veto);
  return asksLast.map((_, i) => (at < 0 || i < at ? "yes" : i === at ? "no" : "unasked"));
}

/** @param {ScanState} scan @param {boolean} narrow */
function endWords({ asksLast }, narrow) {
  if (narrow) return asksLast.length ? "in the end:" : "";
  return asksLast.length ? "and in the end, for all of them:" : "and no more is asked";
}

// The card below the grid. `entry`: the one in hand or the chosen one, -1: none.
/** @param {ScanState} scan @param {number} entry @param {boolean} narrow @returns {{ title: string, about: string, asks: string[], answers: Answer[] }} */
function contents(scan, entry, narrow) {
  const { asks, states, verdict, read, veto } = scan;
  if (entry >= 0 && states) {
    const inHand = entry === scan.current;
    const known = inHand ? !scan.open : entry < read;
    const answers = known
      ? answersOf(asks, states[entry], inHand ? veto : "")
      : asks.map(() => /** @type {Answer} */ ("unasked"));
    const about = known ? stateWords(states[entry]) : inHand ? "in hand" : unreadWords(scan);
    return { title: `entry ${entry}`, about, asks, answers };
  }
  if (verdict && states && read === states.length)
    return {
      title: `all ${read} entries read`,
      about: endWords(scan, narrow),
      asks: scan.asksLast,
      answers: lastAnswers(scan),
    };
  if (veto === "table")
    return {
      title: "no entry is asked",
      about: "there is no table",
      asks,
      answers: asks.map(() => "unasked"),
    };
  return {
    title: "each entry",
    about: "is asked in this order",
    asks,
    answers: asks.map(() => "unasked"),
  };
}

// So high, whatever it shows.
/** @param {ScanState} scan @param {boolean} narrow */
export function cardHeight({ asks }, narrow) {
  return HEAD + Math.ceil(asks.length / acrossOf(narrow)) * (roomOf(narrow) + GAP) + 3;
}

/** @param {ScanState} scan @param {number} entry @param {number} x @param {number} y @param {number} width @param {boolean} narrow @returns {Mark[]} */
export function card(scan, entry, x, y, width, narrow) {
  const { title, about, asks, answers } = contents(scan, entry, narrow);
  const no = scan.veto && scan.veto !== "table" && (entry === scan.current || entry < 0);
  const look = no ? "sc-w-card sc-w-refused" : "sc-w-card";
  const marks = [
    rect("card", x, y, width, cardHeight(scan, narrow), look, 7),
    words("card-title", x + 10, y + 20, title, "sc-w-title"),
    words("card-about", x + 22 + widthOf(title, 17, 650), y + 20, about),
  ];
  if (asks === scan.asks && scan.veto !== "table" && !narrow)
    marks.push(words("card-asks", x + width - 10, y + 20, "May this page be moved?", "sc-end sc-strongtext"));
  const [left, top, w] = [x + 7, y + HEAD, width - 14];
  if (asks === scan.asks)
    return [...marks, ...boxes(asks, answers, left, top, w, acrossOf(narrow), roomOf(narrow))];
  return [...marks, ...lastBoxes(scan, answers, left, top, w, cardHeight(scan, narrow) - HEAD - 7)];
}
