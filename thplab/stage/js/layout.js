// Where the views stand: window on the left, source and stack on the right, the others unfold below or, if
// the right is free, there.

import { button, el, named, scroller, setAbsent, setAttribute, setHidden, setText } from "./draw/dom.js";
import { makeFit } from "./draw/fit.js";
import { evidenceOf } from "./state/stops.js";
import { VIEWS } from "./views/all.js";
import { textView } from "./views/textual.js";
/** @import { Header, Moment, Stage, View } from "./types.js" */
/** @type {View[]} */
export const ALL = [...VIEWS, textView];

// What "look inside" opens beside the scene: source and stack, or what a recording without lines has instead.
/** @param {Header} header */
export function insideViews(header) {
  if (header.sources.length) return ["source", "variables", "stack"];
  return header.functions.length ? ["stack", "locks", "trace"] : ["locks", "trace"];
}

/** @param {View} view @param {HTMLElement} root */
function panel(view, root) {
  root.dataset.view = view.name;
  root.classList.add("ts-view");
  // A region, but no <section>: a reveal deck takes each of those for a slide.
  root.setAttribute("role", "region");
  if (!root.hasAttribute("aria-label")) root.setAttribute("aria-label", view.title);
  if (view.place !== "below") return root;
  const box = el("div", "ts-panel", el("div", "ts-title", view.title), root);
  if (view.wide) box.classList.add("ts-wide");
  return box;
}

/**
 * A view, its switch, and once it was open its part of the page.
 * @typedef {{ view: View, badge: HTMLElement, toggle: HTMLElement, made: ReturnType<View["make"]> | null, box: HTMLElement | null }} Slot
 */

// Draws the open views; a closed one costs nothing.
/** @param {Stage} stage */
export function makeLayout(stage) {
  const left = el("div", "ts-left");
  const inner = el("div", "ts-right-inner");
  const right = el("div", "ts-right", inner);
  const main = el("div", "ts-main", left, right);
  const below = scroller("div", "ts-below", "Other views");
  const fit = makeFit(stage, main, below);
  const places = { left, right: inner, below };
  const switches = named(el("div", "ts-switches"), "group", "Views");
  const parts = ALL.map((view) => {
    const badge = el("span", "ts-badge");
    const press = () => stage.act(() => stage.open.toggle(view.name));
    const toggle = button("ts-switch", `Show or hide: ${view.title}`, press, view.title, badge);
    toggle.removeAttribute("aria-label"); // its own words name it
    switches.append(toggle);
    return /** @type {Slot} */ ({ view, badge, toggle, made: null, box: null });
  });

  /** @param {Slot} part */
  function open(part) {
    part.made ??= part.view.make(stage);
    part.box ??= panel(part.view, part.made.root);
    const place = places[part.view.place];
    const later = parts.slice(parts.indexOf(part) + 1).find(({ box }) => box?.parentNode === place);
    place.insertBefore(part.box, later?.box ?? null);
  }

  // It is the last on the right, and the first of the other views.
  /** @param {HTMLElement} place */
  function moveStack(place) {
    const box = parts.find(({ view }) => view.name === "stack")?.box;
    if (!box || box.parentNode === place) return;
    if (place === below) below.prepend(box);
    else place.append(box);
  }

  const measure = () => {
    for (const part of parts) if (part.box?.isConnected && !part.box.hidden) part.made?.measure?.();
  };
  let measured = ""; // with these views open

  return {
    main,
    switches,
    below,
    measure,
    /** @param {Moment} moment */
    update(moment) {
      // First the boxes, then what is in them: a view that scrolls must know its height.
      // What is not evidence of a question is not in the document before the answer.
      const asked = stage.stops.covering(moment.step);
      const evidence = asked && evidenceOf(asked);
      /** @param {string} name */
      const isShown = (name) => stage.open.isShown(name) && (!evidence || evidence.includes(name));
      setAbsent(switches, Boolean(asked));
      for (const part of parts) {
        const shown = isShown(part.view.name);
        if (!stage.open.plain) {
          // With the scene alone they are hidden.
          setAttribute(part.toggle, "aria-pressed", String(stage.open.names.has(part.view.name)));
          setText(part.badge, part.view.summary?.(moment) ?? "");
        }
        if (shown && !part.box?.parentNode) open(part);
        if (!shown && asked) part.box?.remove();
        else if (part.box) setHidden(part.box, !shown);
      }
      /** @param {View["place"]} place */
      const shownAt = (place) => ALL.filter((view) => view.place === place && isShown(view.name));
      const others = shownAt("below").length > 0;
      setHidden(left, !shownAt("left").length);
      // A call stack alone needs little room: it stands with the other views.
      const onRight = shownAt("right");
      const lone = others && !left.hidden && onRight.length === 1 && onRight[0].name === "stack";
      if (lone) moveStack(below);
      else moveStack(places.right);
      setHidden(right, lone || !onRight.length);
      setHidden(main, left.hidden === true && right.hidden === true);
      // With nothing on the right the other views stand there, so that they need no scrolling.
      main.parentElement?.toggleAttribute("data-beside", !left.hidden && right.hidden && others);
      const shown = parts.filter(({ view }) => isShown(view.name));
      const names = shown.map(({ view }) => view.name).join();
      if (names !== measured) measure();
      measured = names;
      for (const { made } of shown) made?.update(moment);
    },
    settle() {
      for (const part of parts) if (part.box?.isConnected && !part.box.hidden) part.made?.settle?.();
      fit();
    },
  };
}
