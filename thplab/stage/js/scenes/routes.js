// The picture of three routes: of each who works, who waits, what the program sees, whose the frames are, what comes of it.

import { path, rect, rings, squares, words } from "./marks.js";

/** @import { Mark, Route, RouteCut, RoutesData } from "../types.js" */

const BLOCKS = 4;
const GAP = 14;
const FRAMES = 168; // what is above them
const FOOT = 48;

// The width of a route; on a phone they are one below the other.
/** @param {number} width @param {boolean} narrow */
const wide = (width, narrow) => (narrow ? width - 4 : (width - 4 - 2 * GAP) / 3);
// The width of a block of frames.
/** @param {number} width @param {boolean} narrow */
const blockOf = (width, narrow) => (Math.min(wide(width, narrow) - 24, narrow ? 240 : 360) - 6) / BLOCKS;
/** @param {number} width @param {boolean} narrow */
const highOf = (width, narrow) => FRAMES + blockOf(width, narrow) + FOOT + 20;
/** @param {number} width @param {boolean} narrow */
export const routesHeight = (width, narrow) => (narrow ? 3 : 1) * (highOf(width, narrow) + 8);

/** @typedef {[x: number, y: number]} Place */

// Who works and who waits.
/** @param {string} k @param {RouteCut} cut @param {number} x @param {number} y @param {number} w @returns {Mark[]} */
function people(k, cut, x, y, w) {
  const waits = cut.waits !== "nobody";
  return [
    words(`${k}-works`, x, y, "works", "sc-quiettext"),
    words(
      `${k}-works-who`,
      x + 58,
      y,
      cut.works === "nobody" ? cut.works : `▶ ${cut.works}`,
      "sc-strongtext",
    ),
    words(`${k}-waits`, x, y + 26, "waits", "sc-quiettext"),
    ...(waits ? [rect(`${k}-waits-box`, x + 50, y + 9, w - 50, 24, "sc-chip sc-waits", 4)] : []),
    words(`${k}-waits-who`, x + 58, y + 26, waits ? `❚❚ ${cut.waits}` : cut.waits, "sc-strongtext"),
  ];
}

// The window as the program has it: one bar, or its entries; hatched at the edge while it is fenced off.
/** @param {string} k @param {RouteCut} cut @param {number} x @param {number} y @param {number} w @returns {Mark[]} */
function window(k, cut, x, y, w) {
  const marks = [
    words(`${k}-sees`, x, y, "A sees", "sc-strongtext"),
    words(`${k}-sees-what`, x + w, y, cut.sees, "sc-end sc-quiettext"),
  ];
  const top = y + 8;
  if (cut.huge) {
    marks.push(rect(`${k}-bar`, x + 2, top, w - 4, 24, "sc-r-huge", 4));
    marks.push(words(`${k}-bar-t`, x + w / 2, top + 17, "one huge page", "sc-middle sc-strongtext"));
    return marks;
  }
  const size = w / cut.maps.length;
  if (cut.fenced) marks.push(rect(`${k}-fence`, x - 4, top - 3, w + 6, 30, "sc-box sc-pmd-fenced", 4));
  cut.maps.forEach((page, i) => {
    const shade = Math.floor((i * 8) / cut.maps.length);
    const cls = page < 0 ? "sc-ghost" : `sc-s${shade}`;
    marks.push(rect(`${k}-e${i}`, x + i * size + 1, top, size - 3, 24, cls, 2));
  });
  return marks;
}

// The frames, block by block.
/** @param {string} k @param {RouteCut} cut @param {number} x @param {number} y @param {number} step @param {number} across @returns {Mark[]} */
function frames(k, cut, x, y, step, across) {
  const entries = cut.frames.length / BLOCKS;
  const side = Math.sqrt(entries);
  const size = (step - 10) / side;
  /** @param {number} block */
  const left = (block) => x + block * step;
  const groups = /** @type {Map<string, Place[]>} */ (new Map());
  const marks = /** @type {Mark[]} */ ([]);
  for (let block = 0; block < BLOCKS; block++) {
    const inside = cut.frames.slice(block * entries, (block + 1) * entries);
    const huge = cut.huge && cut.maps[0] === block * entries;
    const cls = huge ? "sc-leaf" : cut.whole.includes(block) ? "sc-r-whole" : "sc-paper";
    marks.push(rect(`${k}-b${block}`, left(block), y, step - 4, step - 4, cls, 4));
    [...inside].forEach((sign, i) => {
      const place = /** @type {Place} */ ([
        left(block) + 3 + (i % side) * size,
        y + 3 + Math.floor(i / side) * size,
      ]);
      groups.set(sign, [...(groups.get(sign) ?? []), place]);
    });
  }
  for (const [sign, list] of groups) {
    const centres = list.map(([px, py]) => /** @type {Place} */ ([px + size / 2 - 0.5, py + size / 2 - 0.5]));
    if (sign === ".") marks.push(rings(`${k}-free`, centres, 1.2, "sc-dot"));
    else if (sign === "z") marks.push(rings(`${k}-zero`, centres, size * 0.32, "sc-zero"));
    else if (sign === "n") marks.push(squares(`${k}-new`, list, size - 2, "sc-r-new"));
    else if (sign === "x") marks.push(squares(`${k}-other`, list, size - 2, "sc-other"));
    else if (sign === "m") marks.push(squares(`${k}-moved`, list, size - 2, "sc-other sc-r-moved"));
    else marks.push(squares(`${k}-s${sign}`, list, size - 2, `sc-s${sign}`));
  }
  return [...marks, ...links(k, cut, x, y, across, (block) => left(block) + step / 2 - 2)];
}

// From the window to its frames, and from the blocks that are emptied to the one that is filled.
/** @param {string} k @param {RouteCut} cut @param {number} x @param {number} y @param {number} w @param {(block: number) => number} middle @returns {Mark[]} */
function links(k, cut, x, y, w, middle) {
  const entries = cut.frames.length / BLOCKS;
  if (cut.huge)
    return [
      path(
        `${k}-link`,
        `M${x + w / 2} ${y - 32}Q${x + w / 2} ${y - 12} ${middle(cut.maps[0] / entries)} ${y - 2}`,
        "sc-r-link",
      ),
    ];
  if (cut.working)
    return cut.arcs.flatMap(([from, to], i) => {
      const [a, b] = [middle(from), middle(to)];
      return [
        path(`${k}-arc${i}`, `M${a} ${y - 2}Q${(a + b) / 2} ${y - 40} ${b} ${y - 6}`, `sc-r-arc sc-r-${k}`),
        path(`${k}-tip${i}`, `M${b + 2} ${y}l-10 -4l7 -8z`, `sc-r-tip sc-r-${k}`),
      ];
    });
  const size = w / cut.maps.length;
  const lines = cut.maps.map((page, i) =>
    page < 0 ? "" : `M${x + (i + 0.5) * size} ${y - 30}L${middle(Math.floor(page / entries))} ${y}`,
  );
  return lines.some(Boolean) ? [path(`${k}-lines`, lines.join(""), "sc-r-lines")] : [];
}

/** @param {Route} route @param {number} at @param {number} y @param {number} x @param {number} width @param {boolean} narrow @returns {Mark[]} */
function drawRoute({ name: k, title, when, cuts }, at, x, y, width, narrow) {
  const cut = cuts[at];
  const w = wide(width, narrow);
  const block = blockOf(width, narrow);
  const left = x + 12;
  const across = Math.min(w - 24, 360);
  const [result, more] = cut.foot;
  const fy = y + FRAMES + block + 8;
  const end = cut.end === "huge" ? "sc-f-box sc-f-end" : cut.end ? "sc-f-box sc-f-open" : "sc-band";
  return [
    rect(`${k}-card`, x, y, w, highOf(width, narrow), `sc-r-card sc-r-edge-${k}`, 8),
    rect(`${k}-head`, x, y, w, 30, `sc-r-head-${k}`, 8),
    words(`${k}-title`, left, y + 21, title, "sc-big sc-r-ink"),
    words(`${k}-when`, x + w - 12, y + 20, when, "sc-end sc-r-ink"),
    ...people(k, cut, left, y + 52, w - 24),
    ...window(k, cut, left, y + 104, across),
    ...frames(k, cut, left, y + FRAMES, block, across),
    rect(`${k}-foot`, x + 8, fy, w - 16, FOOT, end, 6),
    words(`${k}-result`, x + 20, fy + 20, `${cut.end === "huge" ? "✓ " : ""}${result}`, "sc-strongtext"),
    words(`${k}-more`, x + 20, fy + 39, more, ""),
  ];
}

/** @param {RoutesData} data @param {number} at @param {number} width @param {boolean} narrow @returns {Mark[]} */
export function drawRoutes({ routes }, at, width, narrow) {
  const across = narrow ? 0 : wide(width, narrow) + GAP;
  const down = narrow ? highOf(width, narrow) + 8 : 0;
  return routes.flatMap((route, i) => drawRoute(route, at, 2 + i * across, 2 + i * down, width, narrow));
}
