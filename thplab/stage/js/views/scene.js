// The scene: one large picture of the kind of work that goes on, chosen by where the run is.

import { el, named, setHidden, setText, updateList } from "../draw/dom.js";
import { collapseScene } from "../scenes/collapse.js";
import { makePicture } from "../scenes/marks.js";

/** @import { Moment, SceneModule, ScenePart, ViewModule } from "../types.js" */

const SCENES = ["", "pass", "process", "window", "collapse", "compaction", "fault"]; // as m_scene numbers them
const PLAIN = ["", "pass", "process", "window", "collapse", "compaction", "page fault"];

/** @type {Record<string, SceneModule>} */
const PICTURES = { collapse: collapseScene };
const GLYPH = { done: "✓ ", now: "▸ ", later: "", failed: "✗ " };

/** @param {Moment} moment */
const sceneOf = (moment) => SCENES[moment.reader.recording.columns.m_scene[moment.step]];

// Where the run is: from the task down to the kind of work.
/** @param {Moment} moment */
function crumbs(moment) {
  const scene = sceneOf(moment);
  const values = moment.told?.values ?? {};
  const found = [moment.task.pid ? moment.task.comm : "no task"];
  if (values.mm !== undefined && values.mm !== found[0]) found.push(`process ${values.mm}`);
  if (values.window !== undefined) found.push(String(values.window));
  if (scene && !found.includes(scene)) found.push(PLAIN[SCENES.indexOf(scene)]);
  return found;
}

// The numbers of the sentence, by name.
/** @param {Moment} moment */
const numbers = (moment) =>
  Object.entries(moment.told?.values ?? {})
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `${name} ${value}`);

/** @type {ViewModule} */
export const sceneView = {
  make() {
    const picture = makePicture();
    const trail = named(el("div", "sc-crumbs"), "group", "Where the run is");
    const parts = named(el("ol", "sc-parts"), "list", "Parts of this work");
    const root = el(
      "div",
      "ts-scene",
      trail,
      el("div", "sc-box-of-picture", /** @type {any} */ (picture.root)),
      parts,
    );
    return {
      root,
      update(moment) {
        updateList(
          trail,
          crumbs(moment),
          () => el("span", "sc-crumb"),
          (item, text) => setText(item, text),
        );
        const scene = PICTURES[sceneOf(moment)] ?? PICTURES.collapse;
        const width = Math.max(860, Math.min(1200, root.clientWidth || 906));
        picture.draw(scene.marks(moment, width), width, scene.height);
        const list = scene.parts?.(moment) ?? [];
        updateList(
          parts,
          list,
          () => el("li"),
          (item, /** @type {ScenePart} */ part) => {
            setText(item, GLYPH[part.state] + part.name);
            item.dataset.state = part.state;
          },
        );
        setHidden(parts, !list.length);
      },
    };
  },
  lines: (moment) => [
    crumbs(moment).join(" > "),
    ...(numbers(moment).length ? [numbers(moment).join(", ")] : []),
  ],
};
