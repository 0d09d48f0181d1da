// The scene: one large picture of the kind of work that goes on, chosen by where the run is.

import { actor, crumbs, sceneOf } from "../data/places.js";
import { el, named, setText, updateList } from "../draw/dom.js";
import { prepare } from "../scenes/ahead.js";
import { PICTURES } from "../scenes/all.js";
import { makePicture } from "../scenes/marks.js";

/** @import { Look, Mark, Moment, SceneModule, ScenePart, ViewModule } from "../types.js" */

const GLYPH = { done: "✓ ", now: "▸ ", ended: "✓ ", later: "", failed: "✗ " };
const HERE = ["now", "ended", "failed"];
const WIDE = 860; // below it the layout of a phone
const NARROW = [340, 560];
const MOST = 1200; // a larger stage shows the picture larger
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

// Where there is little room, a part that is not the current one is its number.
/** @param {HTMLElement} list @param {ScenePart[]} parts @param {boolean} narrow */
function showParts(list, parts, narrow) {
  updateList(
    list,
    parts,
    () => el("li"),
    (item, /** @type {ScenePart} */ part) => {
      const short = narrow && !HERE.includes(part.state);
      setText(item, GLYPH[part.state] + (short ? part.name.split(" ")[0] : part.name));
      item.toggleAttribute("data-short", short);
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

/** @type {ViewModule} */
export const sceneView = {
  make(stage) {
    const picture = makePicture();
    const parts = named(el("ol", "sc-parts"), "list", "Parts of this work");
    const box = el("div", "sc-room", /** @type {any} */ (picture.root));
    const root = el("div", "ts-scene", box, parts);
    let drawn = 0;
    let room = 0;
    let look = /** @type {Look | null} */ (null);
    return {
      root,
      measure() {
        room = box.clientWidth;
      },
      update(moment) {
        const scene = pictureOf(moment, stage.zoom.pinned);
        const width = fit(room, stage.presenting.on);
        const far = Math.abs(moment.step - drawn) > 1 && stage.playback.playing && stage.playback.speed > 4;
        drawn = moment.step;
        if (!look) prepare(stage, () => (root.isConnected ? look : null));
        look = { width, narrow: width < WIDE, entry: stage.selection.entry };
        const hides = stage.stops.covering(moment.step)?.hides ?? [];
        const marks = covered(scene.marks(moment, look), hides);
        picture.draw(marks, width, scene.height(look), !far);
        box.dataset.scene = nameOf(scene);
        box.toggleAttribute("data-narrow", look.narrow);
        showParts(parts, scene.parts?.(moment) ?? [], look.narrow);
      },
    };
  },
  lines: (moment) => [
    [actor(moment), ...crumbs(moment).map(({ words }) => words)].join(" > "),
    ...(PICTURES[sceneOf(moment)]?.lines(moment) ?? []),
  ],
};
