// Keys of the stage. They work wherever the focus is inside it, except in a field or a list of choices.

import { choiceOf } from "./ask.js";

/** @import { Action, Actions, Stage } from "../types.js" */

/** @type {Record<string, keyof Actions | "present">} */
// biome-ignore format: keys of one kind stand together
const KEYS = {
  ArrowRight: "next", n: "next", PageDown: "next",
  ArrowLeft: "previous", b: "previous", PageUp: "previous",
  f: "nextFunction", F: "previousFunction", t: "nextTrace", T: "previousTrace",
  e: "nextEntry", E: "previousEntry", V: "over", O: "out", v: "lookInside", o: "zoomOut", i: "zoomIn", w: "lastChange",
  Home: "start", 0: "restart", End: "end", " ": "play", ".": "faster", ",": "slower",
  g: "granularity", "]": "chooseNext", "[": "choosePrevious", u: "frameUp", d: "frameDown", z: "pointAtLine",
  Escape: "follow", x: "text", "?": "help", h: "words", p: "present",
  "/": "find", m: "nextMatch", M: "previousMatch", I: "stopAtMatches",
  r: "nextVerdict", R: "previousVerdict", l: "nextLock", L: "previousLock", a: "nextTask", A: "previousTask",
  k: "bookmark", j: "nextBookmark", J: "previousBookmark", y: "copyLink",
  q: "edit", Enter: "enter", "}": "paintOn", "{": "paintBack",
  N: "nextStop", P: "previousStop", s: "notes", c: "code",
};

// While presenting, a clicker's keys go from stop to stop, or step where there are none, and blank the picture.
/** @type {Record<string, keyof Actions>} */
const PRESENTING = { PageDown: "nextStop", PageUp: "previousStop", b: "blank", B: "blank", ".": "blank" };

/** @type {Record<string, keyof Actions>} */
const SHIFTED = { ArrowRight: "nextFunction", ArrowLeft: "previousFunction" };

// These move the focus: what is typed next must find it there.
/** @type {unknown[]} */
const AT_ONCE = ["find", "copyLink", "follow", "edit"];

export const HELP = [
  ["→  n  PageDown", "step"],
  ["←  b  PageUp", "step back"],
  ["v", "look inside: code, call stack, locks and more beside the picture; once more: the picture alone"],
  ["o  i", "the picture of what is around this work, and back in"],
  ["f  F", "next, previous call or return (also Shift+→, Shift+←)"],
  ["t  T", "next, previous trace line"],
  ["e  E", "next, previous table entry"],
  ["Home  End", "to the start, to the end"],
  ["0", "back to where this stop began, as it looked"],
  ["Space  ,  .", "play or pause; slower, faster"],
  ["g", "what a step is: event, entry, function, trace line, line, pass"],
  ["V  O", "over the calls of this line, out of this function"],
  ["]  [", "choose the next, the previous process, window or entry of the picture"],
  ["Enter", "go to where the run next enters what is chosen, or last did"],
  ["w", "when did the selected entry last change? Go there"],
  ["u  d", "up and down the call stack"],
  ["z", "point at the line that runs next: how often does it run, and when again?"],
  ["Esc", "follow the run again"],
  ["x", "everything as text"],
  ["r  R,  l  L", "next, previous verdict; lock taken or released"],
  ["a  A", "where the next, the previous process or daemon continues"],
  ["/  m  M", "find moments; the next, the previous of them"],
  ["I", "playing stops at what was found"],
  ["q", "what if? Paint entries, turn knobs, let another task act; run on from here"],
  ["Enter  }  {", "while that is open: paint the selected entry; paint and go on, back"],
  ["k  j  J", "bookmark; the next, the previous one"],
  ["y", "this moment as a text that opens it again"],
  ["1 … 9", "one open view alone; once more: all"],
  ["p", "present: full screen, PageDown and PageUp from stop to stop"],
  ["b  s  c", "while presenting: blank, notes, code"],
  ["a  b  c", "where a stop asks: bet on an answer"],
  ["h", "what the words on the stage mean"],
  ["?", "these keys"],
];

/** @param {KeyboardEvent} event @param {Stage} stage @returns {Action | "present" | undefined} */
function actionOf(event, stage) {
  const { key } = event;
  if (stage.stops.list.length) stage.catchUp(); // what a letter means depends on the moment that the keys before it reach
  if (stage.presenting.blank) return "blank"; // any key brings the picture back
  const choice = choiceOf(stage, key);
  if (choice) return choice;
  if (stage.presenting.on && Object.hasOwn(PRESENTING, key)) return PRESENTING[key];
  if (key === "PageDown" && stage.stops.list.length) return "nextStop";
  if (key === "PageUp" && stage.stops.list.length) return "previousStop";
  if (/^[1-9]$/.test(key)) return () => stage.open.spotlightOn(Number(key));
  return (event.shiftKey && SHIFTED[key]) || KEYS[key];
}

/** @param {HTMLElement} root @param {Stage} stage @param {() => void} present */
export function listenToKeys(root, stage, present) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { tagName, type } = /** @type {HTMLInputElement} */ (event.target);
    const typing = tagName === "INPUT" && type !== "range";
    const action = actionOf(event, stage);
    if (!action || tagName === "SELECT" || (typing && event.key !== "Escape")) return;
    if (tagName === "BUTTON" && [" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (action === "present") present();
    else if (AT_ONCE.includes(action)) stage.actNow(action);
    else stage.act(action);
  });
}
