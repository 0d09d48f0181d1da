// Slider, buttons, granularity, speed. Every control has a name and a key.

import { GRANULARITIES } from "../data/navigate.js";
import { button, el, keepKeys, setAttribute, setHidden, setText } from "../draw/dom.js";
import { icon, setIcon } from "../draw/icons.js";
import { SPEEDS } from "../state/playback.js";
import { makeMarks } from "./marks.js";
import { makePhases } from "./phases.js";

const STEPS = [
  ["start", "start", "", "To the start (Home)"],
  ["previous", "back", "Back", "Step back (Left)"],
  ["next", "step", "Step", "Step (Right)"],
  ["over", "over", "", "Step over calls (v)"],
  ["out", "out", "", "Out of this function (o)"],
  ["end", "end", "", "To the end (End)"],
];

function makeSlider(stage) {
  const slider = keepKeys(el("input", "ts-slider"), "Moment");
  slider.type = "range";
  slider.min = 0;
  slider.max = stage.last;
  slider.addEventListener("input", () => stage.go(Number(slider.value)));
  return slider;
}

function makeGranularity(stage) {
  const group = el("div", "ts-group");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "What a step is (g)");
  const choices = GRANULARITIES.map((name) => {
    const stops = stage.navigator.stops(name);
    const choice = button(
      "ts-choice",
      `A step is a ${name}: ${stops} stops (g)`,
      () => stage.actNow(() => stage.setGranularity(name)),
      name,
    );
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

function makePlay(stage) {
  const sign = icon("play");
  const word = el("span", "", "Play");
  const play = button("ts-button", "Play or pause (Space)", () => stage.act("play"), sign, word);
  const speed = keepKeys(el("select", "ts-speed"), "Steps a second (, and .)");
  for (const rate of SPEEDS) speed.append(new Option(`${rate}/s`, rate));
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
  const edit = button(
    "ts-button",
    "What if? Edit, and run on from here (q)",
    () => stage.actNow("edit"),
    icon("fork"),
  );
  const full = button("ts-button", "Present in full screen (p)", present, icon("full"));
  const help = button("ts-button", "Keys (?)", () => stage.act("help"), el("span", "", "?"));
  const right = el("div", "ts-cluster", find, keep, edit, full, help);
  const bar = el(
    "div",
    "ts-bar",
    el("div", "ts-cluster", ...steps),
    el("div", "ts-cluster", ...play.parts),
    granularity.group,
    right,
  );
  const root = el(
    "div",
    "ts-controls",
    el("div", "ts-time", el("div", "ts-track", phases.root, marks.root), count, slider, total),
    bar,
  );
  return {
    root,
    update(moment) {
      phases.update(moment);
      granularity.update();
      play.update();
      marks.update();
      setAttribute(keep, "aria-pressed", String(stage.bookmarks.steps.includes(moment.step)));
      setAttribute(find, "aria-expanded", String(stage.search.shown));
      setAttribute(edit, "aria-expanded", String(stage.edit.shown));
      setHidden(edit, !stage.edit.send); // without Python it stays out of the way; q says why
      slider.value = moment.step;
      setAttribute(slider, "aria-valuetext", `moment ${moment.step} of ${moment.last}`);
      setText(count, String(moment.step));
      setText(total, `of ${moment.last}`);
      setAttribute(help, "aria-expanded", String(stage.helpShown));
    },
  };
}
