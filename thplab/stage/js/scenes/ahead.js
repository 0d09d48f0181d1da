// The first picture of each kind of work takes several times as long as the next ones: what is told is put in
// order, letters are measured, the browser meets new code. So one of each is worked out while nothing else is to be
// done, and thrown away.

import { SCENES } from "../data/scenes.js";
import { PICTURES } from "./all.js";

/** @import { Look, Stage } from "../types.js" */

// Some browsers don't say when they are idle.
const later = globalThis.requestIdleCallback ?? ((/** @type {() => void} */ run) => setTimeout(run, 100));

// `lookOf()`: how pictures are looked at now; null: there are no pictures any more.
/** @param {Stage} stage @param {() => Look | null} lookOf */
export function prepare(stage, lookOf) {
  const { reader } = stage;
  const { m_scene } = reader.recording.columns;
  const waiting = Object.keys(PICTURES);
  const next = () => {
    const name = waiting.shift();
    const look = lookOf();
    if (!name || !look) return;
    const first = m_scene.indexOf(SCENES.indexOf(name));
    const { step } = reader.timeline;
    try {
      const moment = first < 0 ? null : reader.read(first);
      if (moment) PICTURES[name].marks(moment, look);
      if (moment) PICTURES[name].parts?.(moment);
    } finally {
      reader.timeline.seek(step); // the moment that is shown holds again
    }
    later(next);
  };
  later(next);
}
