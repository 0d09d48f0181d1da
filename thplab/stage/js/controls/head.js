// The head: which recording, which task, when; below it the sentence of the moment.

import { el, setAttribute, setText } from "../draw/dom.js";
import { clock } from "../views/textual.js";
/** @import { Header, Part } from "../types.js" */
/** @param {Header} header @param {HTMLElement[]} more @returns {Part} */
export function makeHeader(header, more) {
  const at = el("span", "ts-clock");
  const title = el("strong", "", header.title || "Recording");
  const version = el("span", "ts-version", `Linux ${header.kernel}`);
  const root = el("div", "ts-head", title, version, el("span", "ts-story", header.story), ...more, at);
  return {
    root,
    update: (moment) => setText(at, `${moment.task.comm}-${moment.task.pid} · ${clock(moment)}`),
  };
}

// What happened and why, in one sentence; below it what this very moment is. Spoken politely on each step.
/** @returns {Part} */
export function makeSentence() {
  const sentence = el("span", "ts-said");
  const what = el("span", "ts-what");
  const root = el("p", "ts-sentence", sentence, what);
  root.setAttribute("role", "status");
  root.setAttribute("aria-live", "polite");
  return {
    root,
    update(moment, stage) {
      // Nobody can listen to thirty sentences a second.
      setAttribute(root, "aria-live", stage.playback.playing ? "off" : "polite");
      setText(sentence, moment.sentence);
      setAttribute(root, "data-fresh", String(moment.sentenceIsNew));
      setText(what, moment.what);
    },
  };
}
