// mount(element, bytes, options): put a stage into a page; the same in a notebook and in a file.
// options: step, views, granularity, theme, height (CSS pixels, 0: as high as it needs), stops, bookmarks,
// guesses (step of an asking stop -> what was guessed), link (what begins the text that opens a moment again), onStep(step), onGuess(guesses), onBookmarks(steps),
// onEdit(message) where Python can run on from a moment with something else; it answers to handle.answer(message);
// noEdit: the sentence that says why it can't.

import { makeAsk } from "./controls/ask.js";
import { makeControls } from "./controls/controls.js";
import { makeEditRow } from "./controls/edit_row.js";
import { makeFindBar } from "./controls/find_bar.js";
import { guardKeys } from "./controls/guard.js";
import { makeHeader, makeSentence } from "./controls/head.js";
import { HELP, listenToKeys } from "./controls/keys.js";
import { makeLink } from "./controls/marks.js";
import { makePointed } from "./controls/pointed.js";
import { makePresenter } from "./controls/presenter.js";
import { explainWords, makeWords } from "./controls/words.js";
import { decode } from "./data/decode.js";
import { el, giveFocus, labelled, named, setAttribute, setHidden } from "./draw/dom.js";
import { followTheme } from "./draw/theme.js";
import { ALL, insideViews, makeLayout } from "./layout.js";
import { Stage } from "./state/stage.js";

import { momentText } from "./views/textual.js";

/** @import { Handle, Options, Part, Recording } from "./types.js" */

// Of the height of a stage, so that controls and first views fit into it; stage.css has it for the screen.
const TYPE_SIZE = 0.0228;

/** @param {Stage} stage @returns {Part} */
function makeHelp(stage) {
  const list = named(el("div", "ts-help"), "group", "Keys");
  for (const [keys, meaning] of HELP) list.append(el("b", "", keys), el("span", "", meaning));
  return { root: list, update: () => setHidden(list, !stage.helpShown) };
}

const NAME = "Stage";
const ABOUT_KEYS = "Press ? for the keys.";

function makeRoot() {
  const root = labelled(el("div", "thplab-stage thplab-keys"), NAME);
  root.tabIndex = 0;
  root.setAttribute("role", "application");
  return root;
}

// Says to the outside what has changed.
/** @param {Stage} stage @param {Options} options */
function makeReport(stage, options) {
  let bookmarks = stage.bookmarks.steps;
  let guesses = 0;
  return {
    /** @param {number} step */
    onStep(step) {
      options.onStep?.(step);
      if (stage.stops.guesses.size !== guesses) {
        const pairs = [...stage.stops.guesses].map(([stop, text]) => [stop.step, text]);
        options.onGuess?.(Object.fromEntries(pairs));
      }
      guesses = stage.stops.guesses.size;
      if (stage.bookmarks.steps !== bookmarks) options.onBookmarks?.(stage.bookmarks.steps);
      bookmarks = stage.bookmarks.steps;
    },
  };
}

// Presenting is full screen where the browser allows it; leaving the one leaves the other.
/** @param {HTMLElement} root @param {Stage} stage */
function followFullscreen(root, stage) {
  /** @param {boolean} on */
  const turn = (on) => stage.act(() => stage.present(on));
  const left = () => stage.presenting.on && document.fullscreenElement !== root && turn(false);
  document.addEventListener("fullscreenchange", left);
  const present = () => {
    if (!stage.presenting.on)
      root.requestFullscreen?.().catch(() => {}); // not allowed here: present in the page
    else if (document.fullscreenElement) document.exitFullscreen();
    turn(!stage.presenting.on);
  };
  return { present, stop: () => document.removeEventListener("fullscreenchange", left) };
}

/** @param {HTMLElement} element @param {Recording} recording @param {Options} options @returns {Handle} */
function build(element, recording, options) {
  const stage = new Stage(recording);
  const root = makeRoot();
  const theme = followTheme(root, options.theme, () => stage.paint());
  const full = followFullscreen(root, stage);
  const layout = makeLayout(stage);
  const presenter = makePresenter(stage);
  const head = makeHeader(recording.header, stage, presenter.head);
  const [sentence, ask, find, link, help] = [
    makeSentence(),
    makeAsk(stage),
    makeFindBar(stage),
    makeLink(stage),
    makeHelp(stage),
  ];
  stage.edit.connect(options.onEdit ?? null, options.noEdit);
  const [edit, pointed] = [makeEditRow(stage), makePointed(stage)];
  const controls = makeControls(stage, full.present);
  const parts = [head, sentence, ask, layout, help, controls, find, pointed, edit, link, presenter];
  const above = [head, sentence, ask].map((part) => part.root);
  const under = [controls, find, pointed, edit, link, help].map((part) => part.root);
  const frame = el("div", "ts-frame", ...above, layout.main, ...under, layout.switches, layout.below);
  const words = makeWords(stage, frame);
  help.root.before(words.root);
  parts.push(words);
  root.append(frame, presenter.root);
  explainWords(root, stage);

  const report = makeReport(stage, options);
  // Everything of a moment is drawn in one go, so that the picture and data-step never differ.
  stage.onChange((moment) => {
    // Reading, writing, reading: the browser works out the layout once. It has done so since the last picture.
    layout.measure();
    for (const part of parts) part.update(moment, stage);
    root.dataset.step = String(moment.step);
    const covered = stage.stops.covering(moment.step);
    if (covered) delete root.dataset.steps;
    else root.dataset.steps = String(moment.last + 1);
    setAttribute(root, "aria-label", covered ? NAME : `${NAME}: ${recording.header.title}. ${ABOUT_KEYS}`);
    root.toggleAttribute("data-plain", stage.open.plain);
    root.toggleAttribute("data-presenting", stage.presenting.on);
    root.toggleAttribute("data-blank", stage.presenting.blank);
    root.toggleAttribute("data-spotlight", Boolean(stage.open.spotlight));
    layout.settle();
    words.settle?.();
    report.onStep(moment.step);
  });
  guardKeys();
  listenToKeys(root, stage, full.present);
  // The head is as wide as the stage and as high as its type: with another, bring the current line back into view.
  let size = "";
  const resized = new ResizeObserver(([{ contentRect }]) => {
    const before = size;
    size = `${contentRect.width} ${contentRect.height}`;
    if (before && before !== size) stage.paint();
  });
  resized.observe(head.root);
  element.replaceChildren(root);

  /** @type {Handle} */
  const handle = {
    root,
    stage,
    go(step) {
      stage.setOrigin({ step });
      stage.go(step);
    },
    text: () => momentText(stage.moment),
    focus: () => giveFocus(root),
    answer: (message) => stage.edit.answer(message),
    setGranularity(name) {
      stage.setGranularity(name);
      stage.paint();
    },
    setStops(list) {
      stage.setStops(list);
      stage.paint();
    },
    setBookmarks(steps) {
      stage.bookmarks.set(steps);
      stage.paint();
    },
    setTheme: (name) => theme.set(name),
    setHeight: (pixels) => {
      root.style.height = pixels ? `${pixels}px` : "";
      root.style.setProperty("--fit", pixels ? `${pixels * TYPE_SIZE}px` : "");
    },
    setViews(names) {
      const known = names.filter((name) => ALL.some((view) => view.name === name));
      stage.open.set(known.length ? known : ["scene"]);
      stage.setOrigin({ views: [...stage.open.names] });
      stage.paint();
    },
    destroy() {
      stage.destroy();
      theme.stop();
      full.stop();
      presenter.stop();
      resized.disconnect();
      root.remove();
    },
  };
  stage.open.inside = insideViews(recording.header);
  stage.setGranularity(options.granularity || stage.navigator.coarsest());
  stage.bookmarks.setLink(options.link ?? `${recording.header.title} `);
  stage.bookmarks.set(options.bookmarks ?? []);
  handle.setHeight(options.height || 0);
  stage.move(options.step || stage.navigator.first());
  stage.setStops(options.stops ?? [], options.guesses);
  stage.setOrigin({ step: stage.moment.step, granularity: stage.granularity });
  handle.setViews(options.views || []);
  return handle;
}

/**
 * @param {HTMLElement} element
 * @param {Uint8Array} bytes
 * @param {Options} [options]
 * @returns {Promise<Handle>}
 */
export async function mount(element, bytes, options = {}) {
  const waiting = el("p", "thplab-stage-note", "Reading the recording …");
  element.replaceChildren(waiting);
  try {
    return build(element, await decode(bytes), options);
  } catch (error) {
    waiting.textContent = `The stage can't show this: ${/** @type {Error} */ (error).message}.`;
    waiting.setAttribute("role", "alert");
    element.replaceChildren(waiting);
    throw error;
  }
}
