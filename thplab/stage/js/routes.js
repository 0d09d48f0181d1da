// Three recordings side by side, one errand, three moments: before, at work, after. Python has read them
// (thplab/stage/routes.py); here is the picture and what moves through it.

import { guardKeys } from "./controls/guard.js";
import { button, el, labelled, named, setHidden, setText, updateList } from "./draw/dom.js";
import { followTheme } from "./draw/theme.js";
import { makePicture } from "./scenes/marks.js";
import { drawRoutes, routesHeight } from "./scenes/routes.js";

/** @import { RoutesData } from "./types.js" */

const WIDE = 820; // the room of a cell in JupyterLab on a laptop is a little wider
const PHONE = 480;
const MOMENTS = ["before", "at work", "after"];
const KEYS = { ArrowRight: 1, n: 1, PageDown: 1, ArrowLeft: -1, b: -1, PageUp: -1, Home: -9, End: 9 };

/** @param {number} width */
const fit = (width) => (width < WIDE ? Math.max(340, Math.min(560, width)) : Math.min(1200, width));

// mountRoutes(element, data, {theme, step, onStep}): a handle with go(moment) and destroy().
/** @param {HTMLElement} element @param {RoutesData} data @param {{ theme?: string, step?: number, onStep?: (step: number) => void }} [options] */
export function mountRoutes(element, data, options = {}) {
  guardKeys();
  const picture = makePicture();
  const said = el("p", "sc-routes-said");
  said.setAttribute("aria-live", "polite");
  const room = el("div", "sc-room", /** @type {any} */ (picture.root));
  const text = el("pre", "sc-routes-text");
  const parts = named(el("ol", "sc-parts"), "list", "Moments");
  const slider = /** @type {HTMLInputElement} */ (el("input"));
  Object.assign(slider, { type: "range", min: "0", max: String(MOMENTS.length - 1), value: "0" });
  slider.setAttribute("aria-label", "Moment");
  const back = button("ts-button", "The moment before", () => go(at - 1), "Back");
  const step = button("ts-button", "The next moment", () => go(at + 1), "Step");
  const swap = button("ts-button", "Picture or text", () => turn(), "As text");
  const controls = el("div", "sc-routes-controls", back, step, slider, swap);
  const body = el("div", "sc-routes", said, room, text, parts, controls);
  const scene = el("div", "", body);
  scene.dataset.scene = "routes";
  const root = labelled(el("div", "thplab-stage thplab-keys", scene), data.title);
  root.tabIndex = 0;
  root.setAttribute("role", "application");
  let at = Math.min(options.step ?? 0, MOMENTS.length - 1);
  let asText = false;
  const theme = followTheme(root, options.theme, () => {});

  /** @param {boolean} moves */
  function draw(moves) {
    const width = fit(room.clientWidth || WIDE);
    const narrow = width < WIDE;
    body.toggleAttribute("data-narrow", narrow);
    body.toggleAttribute("data-phone", width < PHONE);
    room.toggleAttribute("data-narrow", narrow);
    picture.draw(drawRoutes(data, at, width, narrow), width, routesHeight(width, narrow), moves);
  }
  function update() {
    const [what, ...why] = data.sentences[at];
    said.replaceChildren(el("b", "", what), why.join(""));
    setText(text, data.lines[at].join("\n"));
    setHidden(text, !asText);
    setHidden(room, asText);
    updateList(
      parts,
      MOMENTS,
      () => el("li"),
      (item, /** @type {string} */ name) => {
        const i = MOMENTS.indexOf(name);
        setText(item, `${i < at ? "✓ " : i === at ? "▸ " : ""}${name}`);
        item.dataset.state = i < at ? "done" : i === at ? "now" : "later";
      },
    );
    slider.value = String(at);
    setText(swap, asText ? "As picture" : "As text");
    root.dataset.step = String(at);
  }
  /** @param {number} wanted */
  function go(wanted) {
    at = Math.max(0, Math.min(MOMENTS.length - 1, wanted));
    update();
    draw(true);
    options.onStep?.(at);
  }
  function turn() {
    asText = !asText;
    update();
    draw(false);
  }
  slider.addEventListener("input", () => go(Number(slider.value)));
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = KEYS[/** @type {keyof typeof KEYS} */ (event.key)];
    if (way) go(at + way);
    else if (event.key === "x") turn();
    else return;
    event.preventDefault();
  });
  element.replaceChildren(root);
  const watch = new ResizeObserver(() => draw(false));
  watch.observe(room);
  update();
  draw(false);
  return {
    root,
    go,
    destroy() {
      watch.disconnect();
      theme.stop();
      root.remove();
    },
  };
}

// The same as a part of a widget.
/** @param {{ model: any, el: HTMLElement }} param0 */
export function routes({ model, el: host }) {
  host.classList.add("thplab-stage-host");
  const report = (/** @type {number} */ step) => {
    if (model.get("shown") === step) return;
    model.set("shown", step);
    model.save_changes();
  };
  const handle = mountRoutes(host, model.get("data"), {
    step: model.get("shown") || model.get("step"),
    theme: model.get("theme"),
    onStep: report,
  });
  const follow = () => handle.go(model.get("step"));
  model.on("change:step", follow);
  return () => {
    model.off("change:step", follow);
    handle.destroy();
  };
}
