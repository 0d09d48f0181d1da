// What a fault can come to: a huge page in three ways, small pages, or nothing.

import { rect, rings, squares, words } from "./marks.js";

/** @import { FaultPlaces, FaultState, Mark } from "../types.js" */

// Of each outcome: its name, and a short one.
export const OUTCOMES = {
  huge: "huge at once",
  late: "huge, after a wait",
  zero: "huge zero page",
  small: "small pages",
  stopped: "stopped: userfaultfd watches the page",
};
export const SHORT = {
  huge: "huge now",
  late: "after a wait",
  zero: "zero page",
  small: "small pages",
  stopped: "stopped",
};

// Was userfaultfd asked before a block was? Else it is asked for the small page.
/** @param {FaultState} state */
export const stopsEarly = ({ outcome, answers }) => outcome === "stopped" && answers.whole === "yes";

// The three ways to a huge page.
/** @param {FaultState} state @param {FaultPlaces} places @param {boolean} narrow @returns {Mark[]} */
export function outcomes(state, { boxes }, narrow) {
  const entries = state.mapped.length;
  const kept = state.outcome === "huge" && state.was === "huge" && !state.answers.block;
  const says = {
    huge: [kept ? "it was huge before" : `1 fault maps ${entries} pages`],
    late:
      state.outcome === "late"
        ? [`${state.migrated} pages were`, "moved for it"]
        : ["the program makes", "the room itself"],
    zero: ["all zeros, shared"],
  };
  const brief = { huge: [`${entries} pages`], late: [`${entries} pages`], zero: ["if only read"] };
  return /** @type {("huge" | "late" | "zero")[]} */ (["huge", "late", "zero"]).flatMap((name) => {
    const { x, y, w, h } = boxes[name];
    const here = state.outcome === name;
    const tone = here ? "" : "sc-quiettext";
    const marks = [
      rect(`o-${name}`, x, y, w, h, here ? `sc-f-box sc-f-end sc-f-end-${name}` : "sc-f-box sc-f-open", 6),
      words(
        `o-${name}-t`,
        x + 8,
        y + (h < 50 ? 17 : 20),
        narrow ? SHORT[name] : OUTCOMES[name],
        `sc-strongtext ${tone}`,
      ),
    ];
    (narrow ? brief[name] : says[name]).forEach((line, i) => {
      marks.push(words(`o-${name}-${i}`, x + 8, y + (h < 50 ? 35 : 39) + i * 17, line, `sc-small ${tone}`));
    });
    return marks;
  });
}

// Small pages: the entries of the window, those that are mapped filled, the touched one framed.
/** @param {FaultState} state @param {FaultPlaces} places @returns {Mark[]} */
export function small(state, { boxes, cells }) {
  const { x, y, w, h } = boxes.small;
  const stops = state.outcome === "stopped" && !stopsEarly(state);
  const here = state.outcome === "small" || stops;
  const tone = here ? "" : "sc-quiettext";
  const count = state.mapped.filter(Boolean).length;
  const entries = state.mapped.length;
  const marks = [
    rect(
      "o-small",
      x,
      y,
      w,
      h,
      here ? `sc-f-box sc-f-end sc-f-end-${stops ? "stopped" : "small"}` : "sc-f-box sc-f-open",
      6,
    ),
    words(
      "o-small-t",
      x + 12,
      y + 22,
      stops ? `✗ ${OUTCOMES.stopped}` : OUTCOMES.small,
      `sc-strongtext ${tone}`,
    ),
    words(
      "o-small-1",
      x + 12,
      y + 41,
      here && count
        ? `${count} of ${entries} pages mapped${w < 500 ? "" : "; a huge page is all at once"}`
        : "a fault for each page",
      tone,
    ),
  ];
  const columns = Math.min(64, entries);
  const size = Math.min(cells.w / columns, cells.h / Math.ceil(entries / columns), 28);
  /** @param {number} i @returns {[number, number]} */
  const place = (i) => [cells.x + (i % columns) * size, cells.y + Math.floor(i / columns) * size];
  const full = /** @type {[number, number][]} */ ([]);
  const none = /** @type {[number, number][]} */ ([]);
  state.mapped.forEach((is, i) => {
    const [px, py] = place(i);
    if (is) full.push([px, py]);
    else none.push([px + size / 2, py + size / 2]);
  });
  if (none.length) marks.push(rings("small-none", none, Math.min(2, size / 5), "sc-dot"));
  if (full.length) marks.push(squares("small-full", full, size * 0.8, "sc-f-page"));
  if (!here) return marks;
  const [tx, ty] = place(state.entry);
  marks.push(
    rect("small-touched", tx - size * 0.15, ty - size * 0.15, size * 1.1, size * 1.1, "sc-f-touched"),
  );
  return marks;
}
