// The entry in hand, spelled out as the kernel's questions in their order; and what the scan decides.

import { QUESTIONS, STATES } from "../data/questions.js";
import { path, rect, words } from "./marks.js";
import { answersOf } from "./scans.js";

/** @import { Answer, Mark, ScanState, Values } from "../types.js" */

const GAP = 4;
const HEAD = 29;
/** @param {boolean} narrow */
const roomOf = (narrow) => (narrow ? 31 : 33); // height of a question
/** @param {boolean} narrow */
const acrossOf = (narrow) => (narrow ? 3 : 5);
const SAYS = { yes: "✓ yes", no: "✗ no", counted: "no: +1", counts: "yes: +1", without: "no", unasked: "" };

/** @param {string} key @param {Answer} answer @param {number} x @param {number} y @param {number} w @param {number} h @returns {Mark[]} */
function box(key, answer, x, y, w, h) {
  const { words: asked, looksAt } = QUESTIONS[key];
  return [
    rect(`q-${key}`, x, y, w, h, `sc-w-ask sc-w-is-${answer}`, 4),
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
    box(key, answers[i], x + (i % across) * (w + GAP), y + Math.floor(i / across) * (room + GAP), w, room),
  );
}

/** @param {string} letter */
function stateWords(letter) {
  if (letter === "u") return "a page, used lately";
  if (letter === "n") return "a page, not used lately";
  if (letter === "h" || letter === "H") return "a page that another process maps, too";
  return STATES[letter].words;
}

/** @param {ScanState} scan @returns {Answer[]} */
function lastAnswers({ asksLast, veto }) {
  const at = asksLast.indexOf(veto);
  return asksLast.map((_, i) => (at < 0 || i < at ? "yes" : i === at ? "no" : "unasked"));
}

// The card below the grid. `entry`: the one in hand or the chosen one, -1: none.
/** @param {ScanState} scan @param {number} entry @param {boolean} narrow @returns {{ title: string, about: string, asks: string[], answers: Answer[], across: number }} */
function contents(scan, entry, narrow) {
  const { asks, states, verdict, read, veto } = scan;
  const across = acrossOf(narrow);
  if (entry >= 0 && states) {
    const inHand = entry === scan.current;
    const known = inHand ? !scan.open : entry < read;
    const answers = known
      ? answersOf(asks, states[entry], inHand ? veto : "")
      : asks.map(() => /** @type {Answer} */ ("unasked"));
    const about = known ? stateWords(states[entry]) : inHand ? "in hand" : "not read yet";
    return { title: `entry ${entry}`, about, asks, answers, across };
  }
  if (verdict && states && read === states.length)
    return {
      title: `all ${read} entries read`,
      about: !scan.asksLast.length ? "nothing more is asked" : narrow ? "in the end:" : "and in the end, for all of them:",
      asks: scan.asksLast,
      answers: lastAnswers(scan),
      across: 2,
    };
  return {
    title: "each entry",
    about: "is asked in this order",
    asks,
    answers: asks.map(() => "unasked"),
    across,
  };
}

// So high, whatever it shows.
/** @param {ScanState} scan @param {boolean} narrow */
export function cardHeight({ asks }, narrow) {
  return HEAD + Math.ceil(asks.length / acrossOf(narrow)) * (roomOf(narrow) + GAP) + 3;
}

/** @param {ScanState} scan @param {number} entry @param {number} x @param {number} y @param {number} width @param {boolean} narrow @returns {Mark[]} */
export function card(scan, entry, x, y, width, narrow) {
  const { title, about, asks, answers, across } = contents(scan, entry, narrow);
  const no = scan.veto && (entry === scan.current || entry < 0);
  const look = no ? "sc-w-card sc-w-refused" : "sc-w-card";
  const marks = [
    rect("card", x, y, width, cardHeight(scan, narrow), look, 7),
    words("card-title", x + 10, y + 20, title, "sc-w-title"),
    words("card-about", x + 20 + title.length * 10.4, y + 20, about),
  ];
  if (asks === scan.asks && !narrow)
    marks.push(words("card-asks", x + width - 10, y + 20, "May this page be moved?", "sc-end sc-strongtext"));
  return [...marks, ...boxes(asks, answers, x + 7, y + HEAD, width - 14, across, roomOf(narrow))];
}

// Why a window is refused, in two lines.
/** @type {Record<string, (v: Values) => [string, string]>} */
const REASONS = {
  in_memory: (v) => [`${v.unmapped} swapped out, ${v.max_swap} allowed`, `entry ${v.entry} is one too many`],
  not_empty: (v) =>
    Number(v.none) > Number(v.max_none)
      ? [`${v.none} empty, ${v.max_none} allowed`, `entry ${v.entry} is one too many`]
      : ["a hole, and none is allowed", "userfaultfd would not see it filled"],
  unwatched: (v) => [`entry ${v.entry} is watched`, "userfaultfd has write-protected it"],
  anonymous: (v) => [`entry ${v.entry} is a file's page`, "only anonymous ones are collapsed here"],
  wanted: (v) => [`entry ${v.entry} was given up`, "by MADV_FREE, and not written since"],
  unshared: (v) => [`${v.shared} shared, ${v.max_shared} allowed`, `entry ${v.entry} is one too many`],
  listed: (v) => [`entry ${v.entry} is off its list`, "another task has isolated the page"],
  unlocked: (v) => [`entry ${v.entry} is locked`, "another task is at work on the page"],
  unheld: (v) => [`entry ${v.entry} is pinned`, `${v.held} users hold the page, not ${v.expected}`],
  writable: () => ["no page is writable", "this kernel wants one"],
  enough: (v) => [
    `${v.referenced} used lately, ${v.need} needed`,
    Number(v.unmapped) ? "half, because of what is swapped out" : "what no task uses is not worth it",
  ],
};
const NO_TABLE = {
  leaf: ["huge already", "there is no table of small pages"],
  other: ["nothing is mapped", "there is no table to read"],
};

/** @param {ScanState} scan @param {string} pmd @returns {{ cls: string, sign: string, big: string, strong: string, small: string }} */
function decision(scan, pmd) {
  const { verdict, veto, done, counts, bound } = scan;
  if (!verdict)
    return {
      cls: "",
      sign: "",
      big: "no veto so far",
      strong: "",
      small: "the first broken rule decides, not the worst",
    };
  if (veto === "table") {
    const [strong, small] = pmd === "leaf" ? NO_TABLE.leaf : NO_TABLE.other;
    return { cls: "", sign: "", big: "nothing to read", strong, small };
  }
  if (veto) {
    const [strong, small] = REASONS[veto](counts);
    return { cls: " sc-w-refused", sign: "✗", big: "refused", strong, small };
  }
  const ends = done ? String(done.values.result) : "";
  if (ends && ends !== "succeeded")
    return {
      cls: "",
      sign: "✗",
      big: "accepted, not collapsed",
      strong: ends,
      small: "the collapse has failed",
    };
  if (ends)
    return {
      cls: " sc-w-yes",
      sign: "✓",
      big: "accepted, and collapsed",
      strong: "one huge page",
      small: "in place of the small ones",
    };
  return {
    cls: " sc-w-yes",
    sign: "✓",
    big: "yes: collapse it",
    strong: "no entry speaks against it",
    small: bound ? "every count keeps its limit" : "no limit binds MADV_COLLAPSE",
  };
}

/** @param {ScanState} scan @param {string} pmd @param {number} x @param {number} y @param {number} width @param {number} height @returns {Mark[]} */
export function decided(scan, pmd, x, y, width, height) {
  const { cls, sign, big, strong, small } = decision(scan, pmd);
  const left = x + (sign ? 56 : 14);
  const marks = [rect("verdict", x, y, width, height, `sc-w-verdict${cls}`, 7)];
  if (sign === "✗")
    marks.push(path("sign", `M${x + 16} ${y + height / 2 - 12}l24 24m0 -24l-24 24`, "sc-w-sign-no"));
  if (sign === "✓") marks.push(path("sign", `M${x + 15} ${y + height / 2}l10 11l17 -24`, "sc-w-sign-yes"));
  const lines = [big, strong, small].filter(Boolean);
  const top = y + height / 2 - lines.length * 10 + 15;
  lines.forEach((line, i) => {
    const look = line === big ? "sc-big" : line === strong ? "sc-strongtext" : "sc-small";
    marks.push(words(`verdict-${i}`, left, top + i * 20, line, look));
  });
  return marks;
}
