// Two futures side by side on one clock, and a table of their differences.

import { listenToKeys } from "./controls/keys.js";
import { makeClock } from "./data/clock.js";
import { duration } from "./data/lane_data.js";
import { button, el, named, setHidden, setText } from "./draw/dom.js";
import { followTheme } from "./draw/theme.js";
import { mount } from "./mount.js";

/** @import { Actions, Clock, Handle, Pair, PairOptions, Stage } from "./types.js" */

const VIEWS = ["window", "locks"];
const NONE = { stops: [], bookmarks: [], onEdit: null, height: 0 }; // what only a stage alone has

/** @param {string[][]} rows */
function makeTable(rows) {
  if (!rows.length) return el("p", "ts-quiet", "No difference.");
  const heads = ["what", "first", "second"].map((text) => el("th", "", text));
  const body = rows.map((row) => el("tr", "", ...row.map((cell, i) => el(i ? "td" : "th", "", cell))));
  return el("table", "", el("thead", "", el("tr", "", ...heads)), el("tbody", "", ...body));
}

// Both stages move together; the one that was moved leads. One that stayed where it was moves nothing: it may
// have come to its end, and the other goes on.
/** @param {Pair} pair */
function link(pair) {
  const { stages, clock } = pair;
  const seen = [-1, -1];
  let busy = false;
  return (/** @type {number} */ leader) => {
    if (busy || !stages[1]) return;
    busy = true;
    const [from, to] = leader ? [stages[1], stages[0]] : stages;
    const moved = from.moment.step !== seen[leader];
    const wanted = moved ? clock.follow(from.reader, to.reader, from.moment.step) : to.moment.step;
    const other = [...from.open.names].join() !== [...to.open.names].join();
    if (other) to.open.set(from.open.names);
    to.setGranularity(from.granularity);
    if (other || wanted !== to.moment.step) to.go(wanted);
    for (const [i, stage] of stages.entries()) seen[i] = stage.moment.step;
    busy = false;
    pair.moved();
  };
}

const FORWARDS = /^(next[A-Z]?\w*|over|out|end|play)$/;
const BACKWARDS = /^previous[A-Z]?\w*$/;

/** @param {Stage} stage */
const isOver = (stage) => stage.moment.step === stage.last;

// On the way forwards, and back to where they come together again, a future that has ended leaves it to the other.
/** @param {Stage} stage @param {Stage} other @param {Clock} clock */
function handOver(stage, other, clock) {
  const endHere = () => clock.follow(stage.reader, other.reader, stage.last);
  return (/** @type {keyof Actions} */ action) => {
    if (action === "end") return endHere() < other.last ? other : null;
    if (!isOver(stage)) return null;
    if (FORWARDS.test(action)) return isOver(other) ? null : other;
    return BACKWARDS.test(action) && other.moment.step > endHere() ? other : null;
  };
}

// What was playing goes on in the other future if this one has ended.
/** @param {Stage[]} stages */
function keepPlaying(stages) {
  const played = stages.map(() => false);
  return () =>
    stages.forEach((stage, i) => {
      const other = stages[1 - i];
      if (played[i] && !stage.playback.playing && isOver(stage) && !isOver(other)) other.playback.set(true);
      played[i] = stage.playback.playing;
    });
}

/** @param {Pair} param0 @param {number} parted */
function timeWords({ stages, clock }, parted) {
  const [a, b] = stages;
  /** @param {Stage} param0 */
  const since = ({ moment, reader }) => moment.time - reader.recording.columns.m_time[0];
  if (clock.timed) return `${duration(Math.max(since(a), since(b)))} after the start`;
  const [mine, other] = [a.moment.step, b.moment.step];
  return mine === other || mine < parted ? `moment ${mine}` : `moments ${mine} and ${other}`;
}

/** @param {Pair} pair @param {PairOptions} options */
function makeHead(pair, options) {
  const said = el("span", "ts-quiet");
  /** @param {string} label @param {() => void} action @param {string} word */
  const press = (label, action, word) => button("ts-button", label, action, word);
  const part = () => pair.stages[0].go(options.parted ?? 0);
  const buttons = [
    press("Both back", () => pair.stages[0].act("previous"), "Back"),
    press("Both on", () => pair.stages[0].act("next"), "Step"),
    press("To the first moment that differs", part, "Where they part"),
  ];
  if (options.onKeep)
    buttons.push(press("Go on with the second future only", options.onKeep, "Keep the second"));
  if (options.onAlone)
    buttons.push(press("Go on with the first future only", options.onAlone, "Keep the first"));
  const root = el("div", "tp-head", el("strong", "", "Two futures on one clock"), ...buttons, said);
  const update = () => {
    const [a] = pair.stages;
    const clock = timeWords(pair, options.parted ?? Infinity);
    const same = options.parted !== null && a.moment.step < options.parted;
    setText(said, same ? `${clock}; so far they are the same` : clock);
  };
  return { root, update };
}

// A future's name; when its run is over and the other's is not, it says so.
/** @param {string} name */
function makeTitle(name) {
  const ended = el("strong", "tp-ended", "has ended; the other goes on");
  const root = el("div", "ts-title", el("span", "", name), ended);
  root.setAttribute("aria-live", "polite");
  /** @param {Stage} stage @param {Stage} other */
  const update = (stage, other) => setHidden(ended, !isOver(stage) || isOver(other));
  return { root, update };
}

// mountPair(element, [bytes, bytes], options): rows (differences, three texts each), parted (the first moment that
// differs, or null), joined (null, or a moment of each from which both go on alike), edits (what is
// otherwise in the second), onKeep(), onAlone(),
// and those of mount(). Its handle is as that of mount(); what it says of steps is said of the first.
/**
 * @param {HTMLElement} element
 * @param {Uint8Array[]} both
 * @param {PairOptions} options
 * @returns {Promise<Handle>}
 */
export async function mountPair(element, both, options) {
  const hosts = both.map(() => el("div", "tp-host"));
  const titles = ["First", options.edits ? `Second: ${options.edits}` : "Second"].map(makeTitle);
  const futures = titles.map((title, i) => el("div", "tp-one", title.root, hosts[i]));
  const columns = el("div", "tp-columns", ...futures);
  const root = named(
    el("div", "thplab-stage-pair thplab-keys", columns),
    "group",
    "Two futures side by side",
  );
  const theme = followTheme(root, options.theme, () => {});
  element.replaceChildren(root);
  /** @param {number} _leader */
  let follow = (_leader) => {};
  const handles = /** @type {Handle[]} */ ([]);
  for (const [i, bytes] of both.entries()) {
    const views = options.views?.length ? options.views : VIEWS;
    /** @param {number} step */
    const onStep = (step) => {
      follow(i);
      if (i === 0) options.onStep?.(step);
    };
    const place = { views, onStep, step: options.parted ?? 0, link: i ? undefined : options.link };
    handles.push(await mount(hosts[i], bytes, { ...options, ...NONE, ...place }));
  }
  const stages = handles.map(({ stage }) => stage);
  const clock = makeClock(stages[0].reader, stages[1].reader, options);
  /** @type {Pair} */
  const pair = { stages, clock, moved: () => {} };
  const head = makeHead(pair, options);
  const goOn = keepPlaying(pair.stages);
  for (const [i, stage] of pair.stages.entries())
    stage.standBeside(handOver(stage, pair.stages[1 - i], pair.clock));
  pair.moved = () => {
    head.update();
    for (const [i, title] of titles.entries()) title.update(pair.stages[i], pair.stages[1 - i]);
    goOn();
    root.dataset.step = String(stages[0].moment.step);
    root.dataset.second = String(stages[1].moment.step);
  };
  root.prepend(head.root);
  const switches = /** @type {Node} */ (handles[0].root.querySelector(".ts-switches"));
  const title = el("div", "ts-title", "Differences");
  root.append(switches, el("section", "tp-differences", title, makeTable(options.rows)));
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
