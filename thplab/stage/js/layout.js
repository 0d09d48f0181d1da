// Where the views stand: window on the left, source and stack on the right, the others unfold below or, if
// the right is free, there.

import { button, el, scroller, setAttribute, setHidden, setText } from "./draw/dom.js";
import { makeFit } from "./draw/fit.js";
import { VIEWS } from "./views/all.js";
import { textView } from "./views/textual.js";

export const ALL = [...VIEWS, textView];

// The views at first sight: window, source and stack, or what a recording without lines has instead.
export function firstViews(header) {
  if (header.sources.length) return ["window", "source", "variables", "stack"];
  return header.functions.length ? ["window", "stack", "locks", "trace"] : ["window", "locks", "trace"];
}

function panel(view, made) {
  const root = made.root;
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

// Draws the open views; a closed one costs nothing.
export function makeLayout(stage) {
  const left = el("div", "ts-left");
  const right = el("div", "ts-right", el("div", "ts-right-inner"));
  const main = el("div", "ts-main", left, right);
  const below = scroller("div", "ts-below", "Other views");
  const fit = makeFit(stage, main, below);
  const places = { left, right: right.firstChild, below };
  const switches = el("div", "ts-switches");
  switches.setAttribute("role", "group");
  switches.setAttribute("aria-label", "Views");
  const parts = ALL.map((view) => {
    const badge = el("span", "ts-badge");
    const toggle = button(
      "ts-switch",
      `Show or hide: ${view.title}`,
      () => stage.act(() => stage.open.toggle(view.name)),
      view.title,
      badge,
    );
    toggle.removeAttribute("aria-label"); // its own words name it
    switches.append(toggle);
    return { view, badge, toggle, made: null, box: null };
  });

  function open(part) {
    part.made = part.view.make(stage);
    part.box = panel(part.view, part.made);
    part.order = ALL.indexOf(part.view);
    const later = parts.find(
      (each) => each.box && each.view.place === part.view.place && ALL.indexOf(each.view) > part.order,
    );
    places[part.view.place].insertBefore(part.box, later ? later.box : null);
  }

  // It is the last on the right, and the first of the other views.
  function moveStack(place) {
    const { box } = parts.find(({ view }) => view.name === "stack");
    if (!box || box.parentNode === place) return;
    if (place === below) below.prepend(box);
    else place.append(box);
  }

  return {
    main,
    switches,
    below,
    update(moment) {
      // First the boxes, then what is in them: a view that scrolls must know its height.
      for (const part of parts) {
        const shown = stage.open.isShown(part.view.name);
        setAttribute(part.toggle, "aria-pressed", String(stage.open.names.has(part.view.name)));
        setText(part.badge, part.view.summary?.(moment) ?? "");
        if (shown && !part.box) open(part);
        if (part.box) setHidden(part.box, !shown);
      }
      const shownAt = (place) => ALL.filter((view) => view.place === place && stage.open.isShown(view.name));
      const others = shownAt("below").length > 0;
      setHidden(left, !shownAt("left").length);
      // A call stack alone needs little room: it stands with the other views.
      const lone =
        others &&
        !left.hidden &&
        shownAt("right")
          .map(({ name }) => name)
          .join() === "stack";
      if (lone) moveStack(below);
      else moveStack(places.right);
      setHidden(right, lone || !shownAt("right").length);
      setHidden(main, left.hidden && right.hidden);
      // With nothing on the right the other views stand there, so that they need no scrolling.
      main.parentNode.toggleAttribute("data-beside", !left.hidden && right.hidden && others);
      for (const part of parts) if (stage.open.isShown(part.view.name)) part.made.update(moment);
    },
    settle() {
      for (const part of parts) if (stage.open.isShown(part.view.name)) part.made.settle?.();
      fit();
    },
  };
}
