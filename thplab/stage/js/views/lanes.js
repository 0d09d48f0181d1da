// Lanes: a row for each process and daemon, when it ran, waited and held an mmap_lock, and what it does now.

import { lanesOf } from "../data/lane_data.js";
import { el, setAttribute, setText, updateList } from "../draw/dom.js";
import { shape } from "../draw/icons.js";
import { Axis, WIDTH } from "../draw/lane_axis.js";

/** @import { LaneState, Lanes, Moment, Stage, ViewModule } from "../types.js" */

const HEIGHT = 22;
const LEAST = 1.5; // so that a short run is seen
const SIGNS = { runs: "▶", moves: "⇄", midst: "‖", waits: "…", rests: "·" };

// band -> [top, bottom, name]
/** @typedef {"runs" | "moves" | "midst" | "waits" | "read" | "write"} Band */

/** @type {Record<Band, [top: number, bottom: number, name: string]>} */
const BANDS = {
  runs: [0, 13, "runs"],
  moves: [0, 13, "runs, moves pages"],
  midst: [5, 8, "in the midst of its work, another runs"],
  waits: [1, 12, "waits for a lock"],
  read: [15, 21, "holds an mmap_lock for reading"],
  write: [15, 21, "holds an mmap_lock for writing"],
};

// {band: [[from, to]]} of a row, in moments.
/** @param {Lanes} lanes @param {string} who */
function stretches(lanes, who) {
  /** @type {Record<Band, number[][]>} */
  const found = { runs: [], midst: [], moves: [], waits: [], read: [], write: [] };
  for (const { what, how, lock, first, end } of lanes.spans.filter((span) => span.who === who)) {
    const isMmapLock = lanes.reader.header.objects[lock].label.startsWith("mmap_lock");
    const band = what !== "holds" ? what : isMmapLock ? how : null;
    if (band) found[band].push([first, end]);
  }
  return found;
}

// One path for all stretches of a band; what would touch what is drawn already becomes part of it.
/** @param {number[][]} pairs @param {Axis} axis @param {[number, number, string]} param2 */
function outline(pairs, axis, [top, bottom]) {
  const drawn = /** @type {number[][]} */ ([]);
  for (const [from, to] of pairs) {
    const left = Math.min(axis.at(from), WIDTH - LEAST);
    const right = Math.max(axis.at(to), left + LEAST);
    const before = drawn[drawn.length - 1];
    if (before && left - before[1] < LEAST / 2) before[1] = Math.max(before[1], right);
    else drawn.push([left, right]);
  }
  return drawn
    .map(([left, right]) => `M${left.toFixed(2)} ${top}H${right.toFixed(2)}V${bottom}H${left.toFixed(2)}Z`)
    .join("");
}

/** @param {Stage} stage @param {Axis} axis @param {Record<string, string>} paths */
function makeTrack(stage, axis, paths) {
  const svg = shape("svg", "ts-lane-track");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true"); // the words beside it say the same
  for (const [band, path] of Object.entries(paths)) {
    const node = shape("path", `ts-lane-${band}`);
    node.setAttribute("d", path);
    svg.append(node);
  }
  const now = shape("path", "ts-lane-now");
  svg.append(now);
  svg.addEventListener("click", (event) => {
    const { left, width } = svg.getBoundingClientRect();
    stage.act(() => stage.move(axis.momentAt(((event.clientX - left) / width) * WIDTH)));
  });
  return { svg, now };
}

const makeHeld = () => el("span", "", el("span", "ts-how"), el("span"));

/** @param {Stage} stage @param {Lanes} lanes @param {Axis} axis @param {string} who */
function makeLane(stage, lanes, axis, who) {
  const found = stretches(lanes, who);
  const bands = /** @type {Band[]} */ (Object.keys(BANDS));
  const paths = Object.fromEntries(bands.map((band) => [band, outline(found[band], axis, BANDS[band])]));
  const { svg, now } = makeTrack(stage, axis, paths);
  const [sign, does, held] = ["sign", "does", "held"].map((part) => el("span", `ts-lane-${part}`));
  const row = el("li", "ts-lane", el("strong", "", who), svg, el("p", "", sign, does, held));
  return {
    row,
    /** @param {Moment} moment @param {LaneState} state */
    update(moment, state) {
      row.dataset.state = state.state;
      setText(sign, SIGNS[state.state]);
      setText(does, state.does);
      updateList(held, state.held, makeHeld, (item, span) => {
        setText(item.firstChild, span.how);
        item.firstChild.dataset.how = span.how;
        setText(item.lastChild, lanes.reader.header.objects[span.lock].label);
        item.toggleAttribute("data-lit", stage.selection.isPointed("lock", span.lock));
      });
      does.toggleAttribute("data-lit", stage.selection.isPointed("lock", state.waitsFor ?? -1));
      const place = axis.at(moment.step).toFixed(2);
      setAttribute(now, "d", `M${place} 0V${HEIGHT}`);
    },
  };
}

/** @param {Axis} axis */
function makeLegend(axis) {
  const legend = el("div", "ts-lane-legend");
  for (const [band, [top, bottom, name]] of Object.entries(BANDS)) {
    const swatch = shape("svg", "ts-lane-swatch");
    swatch.setAttribute("viewBox", `0 ${top - 1} 24 ${bottom - top + 2}`);
    swatch.setAttribute("aria-hidden", "true");
    const path = shape("path", `ts-lane-${band}`);
    path.setAttribute("d", `M1 ${top}H23V${bottom}H1Z`);
    swatch.append(path);
    legend.append(el("span", "", swatch, ` ${name}`));
  }
  if (axis.timed) legend.append(el("span", "", "A sleep of everybody is drawn short."));
  return legend;
}

/** @param {Axis} axis */
function makeAxis(axis) {
  const marks = el("div", "ts-lane-marks");
  for (const { place, text } of axis.marks(6)) {
    const mark = el("span", "", text);
    mark.style.left = `${(100 * place) / WIDTH}%`;
    marks.append(mark);
  }
  return el("div", "ts-lane-axis", el("span", "ts-quiet", axis.title), marks);
}

/** @type {ViewModule} */
export const lanesView = {
  make(stage) {
    const lanes = lanesOf(stage.reader);
    const axis = new Axis(stage.reader, lanes.timed);
    const made = lanes.rows.map((who) => makeLane(stage, lanes, axis, who));
    const list = el("ol", "ts-lane-rows", ...made.map(({ row }) => row));
    const root = el("div", "ts-lanes", list, makeAxis(axis), makeLegend(axis));
    return {
      root,
      update(moment) {
        const states = lanes.at(moment.step);
        for (const [i, lane] of made.entries()) lane.update(moment, states[i]);
      },
    };
  },
  lines(moment) {
    const lanes = lanesOf(moment.reader);
    const found = lanes.at(moment.step).map(({ who, does, held }) => {
      return `${who}: ${[does, ...held.map((span) => `holds ${lanes.lockOf(span)}${lanes.from(span, moment.step)}`)].join("; ")}`;
    });
    return found.length ? found : ["No task runs in this recording."];
  },
};
