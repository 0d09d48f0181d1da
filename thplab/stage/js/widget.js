// The anywidget face. Two traits for the step: Python writes `step`, the browser writes `shown`; if one
// trait did both, a late echo from a slow kernel would put the picture back.

import { makeFocus } from "./controls/focus.js";
import { goOn } from "./go_on.js";
import { keep } from "./keep.js";
import { kernelOf } from "./kernel.js";
import { mount } from "./mount.js";
import { mountPair } from "./pair.js";
import { mountRoutes, routes } from "./routes.js";

/** @import { Handle, Kernel } from "./types.js" */

const ECHO_MS = 120;
const OPTIONS = ["step", "views", "theme", "granularity", "height", "stops", "guesses", "bookmarks", "link"];
const ASLEEP = "This needs a running kernel: Run > Run All Cells. Everything else works here.";

/** @param {DataView | Uint8Array} view @returns {Uint8Array} */
function bytesOf(view) {
  return view instanceof DataView ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : view;
}

/** @param {{ model: any, el: HTMLElement, kernel: Kernel }} param0 */
async function render({ model, el, kernel }) {
  el.classList.add("thplab-stage-host"); // as wide as the box it stands in
  const focus = makeFocus(model, el);
  let timer = 0;
  let handle = /** @type {Handle | null} */ (null);
  let turn = 0; // of several that are asked for at once the last one stays
  /** @param {number} step */
  const report = (step) => {
    if (model.get("shown") === step) return;
    model.set("shown", step);
    clearTimeout(timer);
    timer = setTimeout(() => model.save_changes(), ECHO_MS);
  };
  /** @param {string} name */
  const tell = (name) => (/** @type {unknown} */ value) => {
    model.set(name, value);
    model.save_changes();
  };
  /** @param {any} message */
  const send = (message) => (kernel.answers() ? model.send(message) : handle?.answer({ asleep: ASLEEP }));
  // Without Python the browser does what it can do alone.
  const alone = () => {
    if (kernel.answers()) return send({ alone: true });
    model.set("second", new Uint8Array());
  };
  const keepSecond = () => {
    if (kernel.answers()) return send({ keep: true });
    const { parted } = model.get("differences");
    model.set({
      recording: model.get("second"),
      second: new Uint8Array(),
      step: parted ?? 0,
      shown: parted ?? 0,
    });
  };
  const show = async () => {
    const mine = ++turn;
    focus.keep();
    handle?.destroy();
    handle = null;
    const options = Object.fromEntries(OPTIONS.map((name) => [name, model.get(name)]));
    if (!kernel.answers()) options.step = model.get("shown") || options.step; // where the reader was
    const told = {
      onGuess: tell("guesses"),
      onBookmarks: tell("bookmarks"),
      onEdit: kernel.answers() ? send : null,
    };
    const all = { ...options, ...told, noEdit: ASLEEP, onStep: report };
    const [first, second] = ["recording", "second"].map((name) => bytesOf(model.get(name)));
    try {
      const keep = { onKeep: keepSecond, onAlone: alone };
      const both = { ...all, ...model.get("differences"), ...keep };
      const pair = second.byteLength > 0;
      const made = await (pair ? mountPair(el, [first, second], both) : mount(el, first, all));
      if (mine !== turn) made.destroy();
      else handle = made;
      focus.give(handle);
    } catch {
      // mount() has said in words what is wrong
    }
  };
  const follow = {
    "change:step": () => handle?.go(model.get("step")),
    "change:granularity": () => handle?.setGranularity(model.get("granularity")),
    "change:views": () => handle?.setViews(model.get("views")),
    "change:theme": () => handle?.setTheme(model.get("theme")),
    "change:stops": () => handle?.setStops(model.get("stops")),
    "change:bookmarks": () => handle?.setBookmarks(model.get("bookmarks")),
    "change:height": () => handle?.setHeight(model.get("height")),
    "change:wants_focus": () => focus.give(handle),
    "change:recording": show,
    "change:second": show,
    "msg:custom": (/** @type {any} */ message) =>
      typeof message?.go === "number" ? handle?.go(message.go) : handle?.answer(message ?? {}),
  };
  for (const [event, listener] of Object.entries(follow)) model.on(event, listener);
  await show();
  return () => {
    turn++;
    clearTimeout(timer);
    for (const [event, listener] of Object.entries(follow)) model.off(event, listener);
    handle?.destroy();
  };
}

export default { stage: render, goOn, routes, keep, kernelOf };
export { mount, mountPair, mountRoutes };
