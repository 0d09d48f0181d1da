// The head: which recording, which task, when; below it the sentence of the moment.

import { el, setAttribute, setHidden, setText } from "../draw/dom.js";
import { showsPicture } from "../state/stops.js";
import { clock, NO_CLOCK } from "../views/textual.js";
import { makeTrail } from "./trail.js";

/** @import { Header, Part, Stage } from "../types.js" */
/** @param {Header} header @param {Stage} stage @param {HTMLElement[]} more @returns {Part} */
export function makeHeader(header, stage, more) {
  const trail = makeTrail(stage);
  const at = el("span", "ts-clock");
  const title = el("strong");
  const version = el("span", "ts-version", `Linux ${header.kernel}`);
  const root = el("div", "ts-head", trail.root, title, version, ...more, at);
  return {
    root,
    update(moment) {
      trail.update(moment, stage);
      // A title often tells how the run ends.
      const asked = stage.stops.covering(moment.step);
      setText(title, asked ? "" : header.title || "Recording");
      setText(at, asked && !showsPicture(asked) ? NO_CLOCK : clock(moment));
      setHidden(at, at.textContent === NO_CLOCK);
    },
  };
}

const WHY = /,? (?:because|so|but|and only) |: /;

// What happened, and from the first "because", "so" or colon on why.
/** @param {string} sentence */
function parted(sentence) {
  const at = sentence.match(WHY)?.index ?? sentence.length;
  return [sentence.slice(0, at), sentence.slice(at)];
}

// What happened and why, in one sentence; below it what this very moment is. Spoken politely on each step.
/** @returns {Part} */
export function makeSentence() {
  const happened = el("b");
  const why = el("span");
  const sentence = el("span", "ts-said", happened, why);
  const what = el("span", "ts-what");
  const root = el("p", "ts-sentence", sentence, what);
  root.setAttribute("role", "status");
  root.setAttribute("aria-live", "polite");
  return {
    root,
    update(moment, stage) {
      // Nobody can listen to thirty sentences a second.
      setAttribute(root, "aria-live", stage.playback.playing ? "off" : "polite");
      const asks = stage.stops.asking(moment.step); // the question takes its place
      setHidden(root, Boolean(asks));
      const [first, rest] = parted(asks ? "" : moment.sentence);
      setText(happened, first);
      setText(why, rest);
      setAttribute(root, "data-fresh", String(moment.sentenceIsNew));
      setText(what, asks ? "" : moment.what);
    },
  };
}
