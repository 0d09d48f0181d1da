// Two futures side by side on one clock, and a table of their differences.

import { makeClock } from "./clock.js";
import { button, el, setText } from "./dom.js";
import { duration } from "./lane_data.js";
import { listenToKeys } from "./keys.js";
import { mount } from "./mount.js";
import { followTheme } from "./theme.js";

const VIEWS = ["window", "locks"];

function makeTable(rows) {
  if (!rows.length) return el("p", "ts-quiet", "No difference.");
  const heads = ["what", "first", "second"].map((text) => el("th", "", text));
  const body = rows.map((row) => el("tr", "", ...row.map((cell, i) => el(i ? "td" : "th", "", cell))));
  return el("table", "", el("thead", "", el("tr", "", ...heads)), el("tbody", "", ...body));
}

// Both stages move together; the one that was moved leads.
function link(pair) {
  const { stages, clock } = pair;
  let busy = false;
  return (leader) => {
    if (busy || !stages[1]) return;
    busy = true;
    const [from, to] = leader ? [stages[1], stages[0]] : stages;
    const wanted = clock.follow(from.reader, to.reader, from.moment.step);
    const other = [...from.views].join() !== [...to.views].join();
    if (other) to.views = new Set(from.views);
    if (other || wanted !== to.moment.step) to.go(wanted);
    busy = false;
    pair.moved();
  };
}

// Who is to step: the first, until it has come to its end and the second has not.
function leader({ stages: [a, b], clock }, forwards) {
  const over = a.moment.step === a.last;
  if (forwards) return over ? b : a;
  return over && b.moment.step > clock.follow(a.reader, b.reader, a.last) ? b : a;
}

function makeHead(pair, options) {
  const said = el("span", "ts-quiet");
  const press = (label, action, word) => button("ts-button", label, action, word);
  const buttons = [
    press("Both back", () => leader(pair, false).act("previous"), "Back"),
    press("Both on", () => leader(pair, true).act("next"), "Step"),
    press("To the first moment that differs", () => pair.stages[0].go(options.parted ?? 0), "Where they part"),
  ];
  if (options.onKeep) buttons.push(press("Go on with the second future only", options.onKeep, "Keep the second"));
  if (options.onAlone) buttons.push(press("Go on with the first future only", options.onAlone, "Keep the first"));
  const root = el("div", "tp-head", el("strong", "", "Two futures on one clock"), ...buttons, said);
  const update = () => {
    const [a, b] = pair.stages;
    const time = a.moment.time - a.reader.recording.columns.m_time[0];
    const clock = pair.clock.timed ? `${duration(time)} after the start` : `moment ${Math.max(a.moment.step, b.moment.step)}`;
    setText(said, options.parted !== null && a.moment.step < options.parted ? `${clock}; so far they are the same` : clock);
  };
  return { root, update };
}

// mountPair(element, [bytes, bytes], options): rows (differences, three texts each), parted (the first moment that
// differs, or null), joined (null, or a moment of each from which both go on alike), edits (what is
// otherwise in the second), onKeep(), onAlone(),
// and those of mount(). Its handle is as that of mount(); what it says of steps is said of the first.
export async function mountPair(element, both, options) {
  const pair = { stages: [], clock: null, moved: () => {} };
  const hosts = both.map(() => el("div", "tp-host"));
  const columns = el("div", "tp-columns", ...["First", options.edits ? `Second: ${options.edits}` : "Second"].map((name, i) => el("div", "tp-one", el("div", "ts-title", name), hosts[i])));
  const root = el("div", "thplab-stage-pair", columns);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Two futures side by side");
  const theme = followTheme(root, options.theme);
  element.replaceChildren(root);
  let follow = () => {};
  const handles = [];
  for (const [i, bytes] of both.entries()) {
    const views = options.views?.length ? options.views : VIEWS;
    const onStep = (step) => {
      follow(i);
      if (i === 0) options.onStep?.(step);
    };
    handles.push(await mount(hosts[i], bytes, { ...options, views, onStep, step: options.parted ?? 0, stops: [], bookmarks: [], onEdit: null, height: 0 }));
  }
  pair.stages = handles.map(({ stage }) => stage);
  const [a, b] = pair.stages.map(({ reader }) => reader);
  pair.clock = makeClock(a, b, options);
  const head = makeHead(pair, options);
  pair.moved = () => {
    head.update();
    root.dataset.step = pair.stages[0].moment.step;
    root.dataset.second = pair.stages[1].moment.step;
  };
  root.prepend(head.root);
  root.append(handles[0].root.querySelector(".ts-switches"), el("section", "tp-differences", el("div", "ts-title", "Differences"), makeTable(options.rows)));
  listenToKeys(root, pair.stages[0], () => {});
  follow = link(pair);
  follow(0);
  return {
    ...handles[0],
    root,
    text: () => handles.map((handle) => handle.text()).join("\n\n"),
    setTheme(name) {
      theme.set(name);
      for (const handle of handles) handle.setTheme(name);
    },
    setHeight() {}, // as high as both need
    destroy() {
      for (const handle of handles) handle.destroy();
      theme.stop();
      root.remove();
    },
  };
}
