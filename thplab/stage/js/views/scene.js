// The scene: one large picture of the kind of work that goes on, chosen by where the run is.

import { actor, crumbs, sceneOf } from "../data/places.js";
import { el, named, setText, updateList } from "../draw/dom.js";
import { prepare } from "../scenes/ahead.js";
import { PICTURES } from "../scenes/all.js";
import { makePicture } from "../scenes/marks.js";
import { zoomBetween } from "../scenes/motion.js";

/** @import { Look, Mark, Moment, SceneModule, ScenePart, Stage, ViewModule } from "../types.js" */

const GLYPH = { done: "✓ ", now: "▸ ", ended: "✓ ", later: "", failed: "✗ " };
const MARK = { done: "✓", now: "▸", ended: "✓", later: "·", failed: "✗" };
const WIDE = 860; // below it the layout of a phone
const NARROW = [340, 560];
const MOST = 1200; // a larger stage shows the picture larger
const QUICK = 250; // milliseconds from one step to the next: nothing moves below it, as when a key is held
const FASTEST = 4; // steps a second with motion
const SHOWN = 1000; // and a projector still more

/** @param {number} width @param {boolean} presenting */
function fit(width, presenting) {
  const [least, most] = width < WIDE ? NARROW : [WIDE, presenting ? SHOWN : MOST];
  return Math.round(Math.max(least, Math.min(most, width || WIDE)));
}

// The scene to draw: the pinned one, else the moment's, else that of the last moment that had a picture.
/** @param {Moment} moment @param {string} pinned */
function pictureOf(moment, pinned) {
  const wanted = pinned || sceneOf(moment);
  if (PICTURES[wanted]) return PICTURES[wanted];
  const [outer] = crumbs(moment).filter(({ scene }) => PICTURES[scene]);
  return PICTURES[outer?.scene] ?? PICTURES.pass;
}

/** @param {SceneModule} scene */
const nameOf = (scene) => Object.keys(PICTURES).find((name) => PICTURES[name] === scene) ?? "";

// The part that matters: the current one, else the last that is not still to come; -1: none.
/** @param {ScenePart[]} parts */
function currentOf(parts) {
  const now = parts.findLastIndex(({ state }) => state === "now" || state === "ended");
  return now >= 0 ? now : parts.findLastIndex(({ state }) => state !== "later");
}

// Where there is little room, the current part has its name and its place, and each other one is a mark.
/** @param {ScenePart[]} parts @param {boolean} known */
function shortParts(parts, known) {
  const current = currentOf(parts);
  return parts.map((part, i) => {
    if (i !== current) return { ...part, name: "", short: true };
    const place = known ? `${i + 1} of ${parts.length}` : `${i + 1}`;
    return { ...part, name: `${place}: ${part.name.replace(/^\d+ /, "")}` };
  });
}

/** @param {HTMLElement} list @param {ScenePart[]} parts */
function showParts(list, parts) {
  updateList(
    list,
    parts,
    () => el("li"),
    (item, /** @type {ScenePart} */ part) => {
      setText(item, part.short ? MARK[part.state] : GLYPH[part.state] + part.name);
      item.toggleAttribute("data-short", Boolean(part.short));
      item.dataset.state = part.state;
    },
  );
  list.toggleAttribute("data-empty", !parts.length); // its room stays: nothing jumps
}

// Marks without those that hold an answer: a question mark takes the place of each.
/** @param {Mark[]} marks @param {string[]} hides the beginnings of their keys */
function covered(marks, hides) {
  return marks.flatMap((mark) => {
    if (!hides.some((name) => mark.k.startsWith(name))) return [mark];
    return mark.tag === "text" ? [{ ...mark, text: "?", moves: undefined }] : [];
  });
}

// A click on an entry selects it, one on a process or a block chooses it; while the edit row is open, whatever the pointer goes over is painted.
/** @param {Stage} stage @param {Element} svg */
function listenToPointer(stage, svg) {
  let painting = false;
  /** @param {PointerEvent} event @returns {[SceneModule, Look, number, number]} */
  const placeOf = (event) => {
    const scene = pictureOf(stage.moment, stage.zoom.pinned);
    const { left, top, width } = svg.getBoundingClientRect();
    const wide = Number(svg.getAttribute("viewBox")?.split(" ")[2]);
    const [x, y] = [event.clientX - left, event.clientY - top].map((each) => (each * wide) / width);
    const look = { width: wide, narrow: wide < WIDE, entry: -1, chosen: "", painted: new Map() };
    return [scene, look, x, y];
  };
  /** @param {PointerEvent} event */
  const entryAt = (event) => {
    const [scene, ...place] = placeOf(event);
    return scene.entryAt?.(stage.moment, ...place) ?? -1;
  };
  /** @param {PointerEvent} event */
  const paint = (event) => {
    const entry = entryAt(event);
    if (painting && entry >= 0) stage.act(() => stage.edit.paintEntry(entry));
  };
  svg.addEventListener("pointerdown", (event) => {
    const { buttons } = /** @type {PointerEvent} */ (event);
    painting = stage.edit.paints && buttons === 1;
    if (painting) event.preventDefault();
    paint(/** @type {PointerEvent} */ (event));
  });
  svg.addEventListener("pointermove", (event) => {
    painting = painting && /** @type {PointerEvent} */ (event).buttons === 1;
    if (painting) paint(/** @type {PointerEvent} */ (event));
  });
  svg.addEventListener("click", (event) => {
    const entry = entryAt(/** @type {PointerEvent} */ (event));
    if (entry >= 0 && !stage.edit.paints) stage.act(() => stage.selection.select(entry));
    const [scene, ...place] = placeOf(/** @type {PointerEvent} */ (event));
    const key = scene.thingAt?.(stage.moment, ...place);
    if (key) stage.act(() => stage.things.choose(key));
  });
}

/** @type {ViewModule} */
export const sceneView = {
  make(stage) {
    const picture = makePicture();
    const parts = named(el("ol", "sc-parts"), "list", "Parts of this work");
    const box = el("div", "sc-room", /** @type {any} */ (picture.root));
    const spoken = el("p", "sc-spoken");
    spoken.setAttribute("role", "status");
    const root = el("div", "ts-scene", box, parts, spoken);
    listenToPointer(stage, picture.root);
    let room = 0;
    let look = /** @type {Look | null} */ (null);
    let drawn = { step: -1, at: 0, scene: "" };
    return {
      root,
      measure() {
        room = box.clientWidth;
      },
      update(moment) {
        const scene = pictureOf(moment, stage.zoom.pinned);
        const width = fit(room, stage.presenting.on);
        const now = performance.now();
        const fast = moment.step !== drawn.step && now - drawn.at < QUICK;
        const moves = !fast && !(stage.playback.playing && stage.playback.speed > FASTEST);
        const back = moment.step < drawn.step;
        const zooms = moves ? zoomBetween(drawn.scene, nameOf(scene)) : "";
        if (moment.step !== drawn.step) drawn = { step: moment.step, at: now, scene: nameOf(scene) };
        else drawn.scene = nameOf(scene);
        const { selection, things, edit } = stage;
        things.offer(scene.things?.(moment) ?? [], (entry) => scene.entersEntry?.(moment, entry) ?? -1);
        if (!look) prepare(stage, () => (root.isConnected ? look : null));
        look = {
          width,
          narrow: width < WIDE,
          entry: selection.entry,
          chosen: things.chosen,
          painted: edit.painted,
        };
        const { selected } = selection;
        const entry = selected === null ? "" : (scene.saysEntry?.(moment, selected) ?? "");
        const said = things.current?.words ?? entry;
        things.said = said && `Chosen: ${said}`;
        setText(spoken, things.said);
        const hides = stage.stops.covering(moment.step)?.hides ?? [];
        const marks = covered(scene.marks(moment, look), hides);
        picture.draw(marks, width, scene.height(look), moves, zooms, back);
        box.dataset.scene = nameOf(scene);
        box.toggleAttribute("data-narrow", look.narrow);
        const all = scene.parts?.(moment) ?? [];
        showParts(parts, look.narrow ? shortParts(all, Boolean(scene.partsAreKnown)) : all);
      },
    };
  },
  lines: (moment) => [
    [actor(moment), ...crumbs(moment).map(({ words }) => words)].join(" > "),
    ...(PICTURES[sceneOf(moment)]?.lines(moment) ?? []),
  ],
};
