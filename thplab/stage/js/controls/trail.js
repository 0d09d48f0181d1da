// The chain that says where the run is: each link is a button that keeps its scene.

import { actor, crumbs } from "../data/places.js";
import { button, el, named, setAttribute, setHidden, setText, updateList } from "../draw/dom.js";
import { showsPicture } from "../state/stops.js";

/** @import { Part, Stage } from "../types.js" */

/** @param {Stage} stage @returns {Part} */
export function makeTrail(stage) {
  const trail = named(el("div", "sc-crumbs"), "group", "Where the run is");
  return {
    root: trail,
    update(moment) {
      const asked = stage.stops.covering(moment.step);
      setHidden(trail, Boolean(asked && !showsPicture(asked)));
      const links = crumbs(moment);
      const rows = trail.hidden ? [] : [{ scene: "", words: actor(moment) }, ...links];
      updateList(
        trail,
        rows,
        (i) => {
          const press = () => {
            const scene = link.dataset.scene ?? "";
            stage.actNow(() => stage.zoom.pin(scene === stage.zoom.pinned || !i ? "" : scene));
          };
          const link = button("sc-crumb", "", press, "");
          return link;
        },
        (link, row, i) => {
          const shown = stage.zoom.pinned ? row.scene === stage.zoom.pinned : i === rows.length - 1;
          const pinned = shown && Boolean(stage.zoom.pinned);
          setText(link, `${pinned ? "⊙ " : ""}${row.words}`);
          setAttribute(link, "data-scene", row.scene);
          setAttribute(link, "aria-pressed", String(shown));
          const what = i
            ? `Keep the picture of ${row.words} (o, i); once more: follow the run`
            : "Follow the run (Esc)";
          setAttribute(link, "title", what);
          setAttribute(link, "aria-label", `${row.words}: ${what}`);
        },
      );
    },
  };
}
