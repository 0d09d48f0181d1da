// The field that looks for moments, how many there are, and whether playing stops at them.

import { KINDS } from "../data/finder.js";
import { firstAbove } from "../data/lists.js";
import { button, counted, el, labelled, leave, setAttribute, setHidden, setText } from "../draw/dom.js";

/** @import { Moment, Part, Stage } from "../types.js" */

/** @param {Stage} stage */
function makeField(stage) {
  const field = labelled(el("input", "ts-field"), "Find a moment");
  field.type = "search";
  field.spellcheck = false;
  field.placeholder = "a word, or fn scan_pmd, verdict exceed, counter pgalloc …";
  field.title = KINDS.map(([shape, meaning]) => `${shape}: ${meaning}`).join("\n");
  field.addEventListener("input", () => stage.act(() => stage.search.lookFor(field.value)));
  field.addEventListener("keydown", (event) => {
    /** @type {Record<string, "previousMatch" | "nextMatch" | "closeFind">} */
    const actions = { Enter: event.shiftKey ? "previousMatch" : "nextMatch", Escape: "closeFind" };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    if (action === "closeFind") stage.actNow(action);
    else stage.act(action);
  });
  return field;
}

/** @param {Stage} stage @returns {Part} */
export function makeFindBar(stage) {
  const field = makeField(stage);
  const count = el("output", "ts-quiet");
  const back = button("ts-button", "Previous match (M)", () => stage.act("previousMatch"), "Previous");
  const on = button("ts-button", "Next match (m)", () => stage.act("nextMatch"), "Next");
  const halt = () => stage.act("stopAtMatches");
  const stop = button("ts-button", "Playing stops at each match (i)", halt, "Stop there");
  const close = button("ts-button", "Close (Esc)", () => stage.act("closeFind"), "Close");
  const root = el("div", "ts-find", field, back, on, stop, count, close);
  root.setAttribute("role", "search");
  return {
    root,
    update(moment) {
      const opens = root.hidden && stage.search.shown;
      if (!stage.search.shown) leave(root);
      setHidden(root, !stage.search.shown);
      if (opens) field.select();
      if (opens) field.focus();
      if (document.activeElement !== field && field.value !== stage.search.query)
        field.value = stage.search.query;
      setAttribute(stop, "aria-pressed", String(stage.search.stops));
      setText(count, said(stage, moment));
    },
  };
}

/** @param {Stage} stage @param {Moment} moment */
function said(stage, moment) {
  const { matches, query } = stage.search;
  if (!query.trim()) return "";
  if (!matches.length) return "no such moment";
  const passed = firstAbove(matches, moment.step);
  return matches[passed - 1] === moment.step
    ? `${passed} of ${matches.length}`
    : counted(matches.length, "moment");
}
