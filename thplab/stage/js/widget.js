// The anywidget face. Two traits for the step: Python writes `step`, the browser writes `shown`; if one
// trait did both, a late echo from a slow kernel would put the picture back.

import { mount } from "./mount.js";
import { mountPair } from "./pair.js";

const ECHO_MS = 120;

function bytesOf(view) {
  return view instanceof DataView ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : view;
}

async function render({ model, el }) {
  el.classList.add("thplab-stage-host"); // as wide as the box it stands in
  let timer = 0;
  let handle = null;
  let turn = 0; // of several that are asked for at once the last one stays
  const report = (step) => {
    if (model.get("shown") === step) return;
    model.set("shown", step);
    clearTimeout(timer);
    timer = setTimeout(() => model.save_changes(), ECHO_MS);
  };
  const tell = (name) => (value) => {
    model.set(name, value);
    model.save_changes();
  };
  const send = (message) => model.send(message);
  const show = async () => {
    const mine = ++turn;
    handle?.destroy();
    handle = null;
    const options = Object.fromEntries(
      ["step", "views", "theme", "granularity", "height", "stops", "bookmarks", "link"].map((name) => [
        name,
        model.get(name),
      ]),
    );
    const reports = {
      onStep: report,
      onGuess: tell("guesses"),
      onBookmarks: tell("bookmarks"),
      onEdit: send,
    };
    const [first, second] = ["recording", "second"].map((name) => bytesOf(model.get(name)));
    try {
      const both = {
        ...options,
        ...reports,
        ...model.get("differences"),
        onKeep: () => send({ keep: true }),
        onAlone: () => send({ alone: true }),
      };
      const made = second.byteLength
        ? await mountPair(el, [first, second], both)
        : await mount(el, first, { ...options, ...reports });
      if (mine !== turn) made.destroy();
      else handle = made;
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
    "change:recording": show,
    "change:second": show,
    "msg:custom": (message) =>
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

export default { render };
export { mount, mountPair };
