// Slider, buttons, granularity, speed. Every control has a name and a key.

import { GRANULARITIES } from "../data/navigate.js";
import { button, el, labelled, named, setAbsent, setAttribute, setHidden, setText } from "../draw/dom.js";
import { icon, setIcon } from "../draw/icons.js";
import { SPEEDS } from "../state/playback.js";
import { makeMarks } from "./marks.js";
import { makePhases } from "./phases.js";

/** @import { Actions, IconName, Part, Stage } from "../types.js" */

/** @type {[keyof Actions, IconName, string, string][]} */
const STEPS = [
  ["start", "start", "", "To the start (Home)"],
  ["previous", "back", "Back", "Step back (Left)"],
  ["next", "step", "Step", "Step (Right)"],
  ["over", "over", "", "Step over calls (V)"],
  ["out", "out", "", "Out of this function (O)"],
  ["end", "end", "", "To the end (End)"],
];

/** @param {Stage} stage */
function makeSlider(stage) {
  const slider = labelled(el("input", "ts-slider"), "Moment");
  slider.type = "range";
  slider.min = "0";
  slider.max = String(stage.last);
  slider.addEventListener("input", () => stage.go(Number(slider.value)));
  return slider;
}

/** @param {Stage} stage */
function makeGranularity(stage) {
  const group = named(el("div", "ts-group"), "group", "What a step is (g)");
  const choices = GRANULARITIES.map((name) => {
    const stops = stage.navigator.stops(name);
    const choose = () => stage.actNow(() => stage.setGranularity(name));
    const choice = button("ts-choice", `A step is a ${name}: ${stops} stops (g)`, choose, name);
    choice.disabled = stops <= 2;
    return choice;
  });
  group.append(...choices);
  const update = () => {
    for (const choice of choices)
      setAttribute(choice, "aria-pressed", String(choice.textContent === stage.granularity));
  };
  return { group, update };
}

/** @param {Stage} stage */
function makePlay(stage) {
  const sign = icon("play");
  const word = el("span", "", "Play");
  const play = button("ts-button", "Play or pause (Space)", () => stage.act("play"), sign, word);
  const speed = labelled(el("select", "ts-speed"), "Steps a second (, and .)");
  for (const rate of SPEEDS) speed.append(new Option(`${rate}/s`, String(rate)));
  speed.addEventListener("change", () => {
    stage.playback.setSpeed(Number(speed.value));
  });
  const update = () => {
    setIcon(sign, stage.playback.playing ? "pause" : "play");
    setText(word, stage.playback.playing ? "Pause" : "Play");
    setAttribute(play, "aria-pressed", String(stage.playback.playing));
    if (Number(speed.value) !== stage.playback.speed) speed.value = String(stage.playback.speed);
  };
  return { parts: [play, speed], update };
}

/** @param {Stage} stage @param {() => void} present @returns {Part} */
export function makeControls(stage, present) {
  const phases = makePhases(stage);
  const slider = makeSlider(stage);
  const granularity = makeGranularity(stage);
  const play = makePlay(stage);
  const count = el("output", "ts-count");
  const total = el("span", "ts-total");
  const steps = STEPS.map(([action, sign, word, label]) =>
    button("ts-button", label, () => stage.act(action), icon(sign), ...(word ? [el("span", "", word)] : [])),
  );
  const marks = makeMarks(stage);
  const find = button("ts-button", "Find a moment (/)", () => stage.act("find"), icon("find"));
  const keep = button("ts-button", "Bookmark this moment (k)", () => stage.act("bookmark"), icon("mark"));
  const whatIf = () => stage.actNow("edit");
  const edit = button("ts-button", "What if? Edit, and run on from here (q)", whatIf, icon("fork"));
  const insideWord = el("span");
  const inside = button(
    "ts-button",
    "Look inside: code, stack, locks and more (v)",
    () => stage.act("lookInside"),
    insideWord,
  );
  const full = button("ts-button", "Present in full screen (p)", present, icon("full"));
  const help = button("ts-button", "Keys (?)", () => stage.act("help"), el("span", "", "?"));
  const fine = [steps[3], steps[4], find, keep]; // for those who look inside
  for (const each of fine) each.dataset.fine = "";
  const right = el("div", "ts-cluster", find, keep, edit, inside, full, help);
  const left = [el("div", "ts-cluster", ...steps), el("div", "ts-cluster", ...play.parts)];
  const bar = el("div", "ts-bar", ...left, granularity.group, right);
  const track = el("div", "ts-track", phases.root, marks.root);
  const time = el("div", "ts-time", track, count, slider, total);
  const root = el("div", "ts-controls", time, bar);
  return {
    root,
    update(moment) {
      // How long the run still is, and what it does then, are part of the answer.
      setAbsent(time, Boolean(stage.stops.covering(moment.step)));
      setAbsent(bar, Boolean(stage.stops.asking(moment.step)));
      if (!stage.open.plain) phases.update(moment, stage);
      granularity.update();
      play.update();
      marks.update(moment, stage);
      setAttribute(keep, "aria-pressed", String(stage.bookmarks.steps.includes(moment.step)));
      setAttribute(find, "aria-expanded", String(stage.search.shown));
      setAttribute(inside, "aria-pressed", String(!stage.open.plain));
      setText(insideWord, stage.open.plain ? "Look inside" : "Picture");
      setAttribute(edit, "aria-expanded", String(stage.edit.shown));
      setHidden(edit, !stage.edit.send); // without Python it stays out of the way; q says why
      slider.value = String(moment.step);
      setAttribute(slider, "aria-valuetext", `moment ${moment.step} of ${moment.last}`);
      setText(count, `moment ${moment.step}`);
      setText(total, `of ${moment.last}`);
      setAttribute(help, "aria-expanded", String(stage.helpShown));
    },
  };
}
