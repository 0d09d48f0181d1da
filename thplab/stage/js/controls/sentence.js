// What happened and why, in one sentence; below it what this very moment is. Spoken politely on each step.

import { el, setAttribute, setText } from "../draw/dom.js";

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
      setAttribute(root, "aria-live", stage.playing ? "off" : "polite");
      setText(sentence, moment.sentence);
      setAttribute(root, "data-fresh", String(moment.sentenceIsNew));
      setText(what, moment.what);
    },
  };
}
