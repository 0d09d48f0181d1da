// Where the run is, as a chain from the task down to the kind of work: each link is a scene, and can be pinned.
// thplab/reading/scene.py says the same in Python.

import { SCENES } from "./scenes.js";
import { visited } from "./visits.js";

/** @import { Crumb, Moment } from "../types.js" */

const OF_DAEMON = ["pass", "process", "window", "collapse"]; // khugepaged's kinds of work, from the outside in
const OF_PROGRAM = ["window", "collapse"]; // what a process does itself with MADV_COLLAPSE
const WORDS = /** @type {Record<string, string>} */ ({ fault: "page fault" });

// The scene of a moment; "" where nothing of the kind has run yet.
/** @param {Moment} moment */
export function sceneOf({ reader, step }) {
  const scene = reader.recording.columns.m_scene[step];
  return scene ? SCENES[scene] : "";
}

// A window in words: by its number from the first one on, if there is one, else by its address.
/** @param {Moment} moment */
export function windowWords(moment) {
  const { where, reader } = moment;
  if (!where) return "window";
  const { entries, page_shift } = reader.header.geometry;
  const size = BigInt(entries) << BigInt(page_shift);
  const from = BigInt(reader.header.focus?.address ?? 0);
  const number = (where.address - from) / size;
  const numbered = from && where.address >= from && !(from % size) && number < 1 << 18;
  return numbered ? `window ${number}` : `window at 0x${where.address.toString(16)}`;
}

/** @param {Moment} moment @param {string} scene */
function wordsOf(moment, scene) {
  if (scene === "process") {
    const name = visited(moment) || moment.where?.mm?.label;
    return name ? `process ${name}` : scene;
  }
  if (scene === "window") return windowWords(moment);
  return WORDS[scene] ?? scene;
}

/** @param {Moment} moment @returns {string[]} */
function chain(moment) {
  const scene = sceneOf(moment);
  const around = moment.task.comm === "khugepaged" ? OF_DAEMON : OF_PROGRAM;
  const at = around.indexOf(scene);
  return at < 0 ? [scene].filter(Boolean) : around.slice(0, at + 1);
}

// The links of a moment.
/** @param {Moment} moment @returns {Crumb[]} */
export const crumbs = (moment) => chain(moment).map((scene) => ({ scene, words: wordsOf(moment, scene) }));

// Who runs, as the first link; of the daemons that each node has there is one here, and its number says nothing.
/** @param {Moment} moment */
export function actor({ task, reader }) {
  if (!task.pid) return "no task";
  const process = reader.header.objects.some(({ type, label }) => type === "Mm" && label === task.comm);
  return process ? `process ${task.comm}` : task.comm.replace(/^(kcompactd|kswapd)0$/, "$1");
}
