// mount(element, bytes, options): put a stage into a page; the same in a notebook and in a file.
// options: step, views, granularity, theme, height (CSS pixels, 0: as high as it needs), onStep(step).

import { makeControls } from "./controls.js";
import { decode } from "./decode.js";
import { el, keepKeys, setText } from "./dom.js";
import { HELP, listenToKeys } from "./keys.js";
import { ALL, firstViews, makeLayout } from "./layout.js";
import { makeSentence } from "./sentence.js";
import { Stage } from "./stage.js";
import { momentText, seconds } from "./textual.js";
import { followTheme } from "./theme.js";

// Of the height of a stage, so that controls and first views fit into it; stage.css has it for the screen.
const TYPE_SIZE = 0.0228;

function makeHeader(header) {
  const clock = el("span", "ts-clock");
  const root = el("div", "ts-head", el("strong", "", header.title || "Recording"), el("span", "ts-kernel", `Linux ${header.kernel}`), el("span", "ts-story", header.story), clock);
  return { root, update: (moment) => setText(clock, `${moment.task.comm}-${moment.task.pid} · ${seconds(moment.time)}`) };
}

function makeHelp(stage) {
  const list = el("div", "ts-help");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", "Keys");
  for (const [keys, meaning] of HELP) list.append(el("b", "", keys), el("span", "", meaning));
  return { root: list, update: () => (list.hidden = !stage.helpShown) };
}

function makeRoot(header) {
  const root = keepKeys(el("div", "thplab-stage"), `Stage: ${header.title}. Press ? for the keys.`);
  root.tabIndex = 0;
  root.setAttribute("role", "application");
  return root;
}

function build(element, recording, options) {
  const stage = new Stage(recording);
  const root = makeRoot(recording.header);
  const theme = followTheme(root, options.theme);
  const present = () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.());
  const layout = makeLayout(stage);
  const parts = [makeHeader(recording.header), makeSentence(), layout, makeHelp(stage), makeControls(stage, present)];
  const [head, sentence, , help, controls] = parts;
  root.append(el("div", "ts-frame", head.root, sentence.root, layout.main, controls.root, help.root, layout.switches, layout.below));

  // Everything of a moment is drawn in one go, so that the picture and data-step never differ.
  stage.onChange((moment) => {
    for (const part of parts) part.update(moment, stage);
    root.dataset.step = moment.step;
    root.dataset.steps = moment.last + 1;
    options.onStep?.(moment.step);
  });
  listenToKeys(root, stage, present);
  // Another width is another type size: bring the current line back into view.
  let width = 0;
  const resized = new ResizeObserver(([entry]) => {
    if (width && width !== entry.contentRect.width) stage.paint();
    width = entry.contentRect.width;
  });
  resized.observe(root);
  element.replaceChildren(root);

  const handle = {
    root,
    stage,
    go: (step) => stage.go(step),
    text: () => momentText(stage.moment),
    setGranularity: (name) => stage.setGranularity(name),
    setTheme: (name) => theme.set(name),
    setHeight: (pixels) => {
      root.style.height = pixels ? `${pixels}px` : "";
      root.style.setProperty("--fit", pixels ? `${pixels * TYPE_SIZE}px` : "");
    },
    setViews(names) {
      const known = names.filter((name) => ALL.some((view) => view.name === name));
      stage.views = new Set(known.length ? known : firstViews(recording.header));
      stage.paint();
    },
    destroy() {
      stage.destroy();
      theme.stop();
      resized.disconnect();
      root.remove();
    },
  };
  stage.granularity = options.granularity || "line";
  handle.setHeight(options.height || 0);
  stage.move(options.step || 0);
  handle.setViews(options.views || []);
  return handle;
}

export async function mount(element, bytes, options = {}) {
  const waiting = el("p", "thplab-stage-note", "Reading the recording …");
  element.replaceChildren(waiting);
  try {
    return build(element, await decode(bytes), options);
  } catch (error) {
    waiting.textContent = `The stage can't show this: ${error.message}.`;
    waiting.setAttribute("role", "alert");
    element.replaceChildren(waiting);
    throw error;
  }
}
