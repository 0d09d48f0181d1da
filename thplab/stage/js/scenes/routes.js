// The picture of three routes: of each who works, who waits, what the program sees, whose the frames are, what comes of it.

import { path, rect, rings, squares, widthOf, words, wrapped } from "./marks.js";

/** @import { Mark, Route, RouteCut, RoutesData } from "../types.js" */
/** @typedef {[x: number, y: number]} Place */

const BLOCKS = 4;
const GAP = 14;
const KEY = 24; // below the machines: what the signs mean
const FOOT = 48;

// Where things are in a machine, from its upper left corner. On a phone the machines are one below the other, and
// what comes of a route stands beside its frames.
/** @param {number} width @param {boolean} narrow */
function placesOf(width, narrow) {
  if (narrow) {
    const across = width - 4;
    const place = { head: 24, title: 17, sees: 67, cells: 55, cell: 16, frames: 95, arc: 20, block: 36 };
    return {
      ...place,
      narrow,
      width: across,
      left: 10,
      right: across - 10,
      cellsAt: 68,
      cellsWide: 144,
      high: 144,
    };
  }
  const across = (width - 4 - 2 * GAP) / 3;
  const wide = Math.min(across - 24, 360);
  const block = (wide - 6) / BLOCKS;
  const place = { head: 30, title: 21, sees: 103, cells: 113, cell: 24, frames: 168, arc: 38, block };
  const high = place.frames + block + FOOT + 20;
  return {
    ...place,
    narrow,
    width: across,
    left: 12,
    right: across - 12,
    cellsAt: 12,
    cellsWide: wide,
    high,
  };
}
/** @typedef {ReturnType<typeof placesOf>} Places */

/** @param {number} width @param {boolean} narrow */
export function routesHeight(width, narrow) {
  return narrow ? 3 * (placesOf(width, narrow).high + 6) + KEY : placesOf(width, narrow).high + 8 + KEY;
}

// Who works and who waits.
/** @param {string} k @param {RouteCut} cut @param {number} x @param {number} y @param {Places} at @returns {Mark[]} */
function people(k, cut, x, y, { narrow, left, right }) {
  const waits = cut.waits !== "nobody";
  const works = cut.works === "nobody" ? cut.works : `▶ ${cut.works}`;
  const row = y + (narrow ? 43 : 52);
  const [word, who] = narrow ? [x + 134, x + 176] : [x + left, x + left + 50];
  const below = narrow ? row : row + 26;
  return [
    ...(narrow ? [] : [words(`${k}-works`, x + left, row, "works", "sc-quiettext")]),
    words(
      `${k}-works-who`,
      x + left + (narrow ? 0 : 58),
      row,
      narrow && cut.works === "nobody" ? "nobody works" : works,
      "sc-strongtext",
    ),
    words(`${k}-waits`, word, below, "waits", "sc-quiettext"),
    ...(waits
      ? [rect(`${k}-waits-box`, who, below - 16, x + right - who, narrow ? 22 : 24, "sc-chip sc-waits", 4)]
      : []),
    words(
      `${k}-waits-who`,
      who + (narrow ? 7 : 8),
      below,
      waits && !narrow ? `❚❚ ${cut.waits}` : cut.waits,
      "sc-strongtext",
    ),
  ];
}

// The window as the program has it: one bar, or its entries; hatched at the edge while it is fenced off.
/** @param {string} k @param {string} program @param {RouteCut} cut @param {number} x @param {number} y @param {Places} at @returns {Mark[]} */
function window(k, program, cut, x, y, { narrow, left, right, sees, cells, cell, cellsAt, cellsWide: w }) {
  const marks = [
    words(`${k}-sees`, x + left, y + sees, `${program} sees`, "sc-strongtext"),
    words(`${k}-sees-what`, x + (narrow ? right : cellsAt + w), y + sees, cut.sees, "sc-end sc-quiettext"),
  ];
  const [start, top] = [x + cellsAt, y + cells];
  if (cut.huge) {
    marks.push(rect(`${k}-bar`, start + 2, top, w - 4, cell, "sc-r-huge", 4));
    marks.push(
      words(`${k}-bar-t`, start + w / 2, top + cell / 2 + 5, "one huge page", "sc-middle sc-strongtext"),
    );
    return marks;
  }
  const size = w / cut.maps.length;
  if (cut.fenced)
    marks.push(rect(`${k}-fence`, start - 4, top - 3, w + 6, cell + 6, "sc-box sc-pmd-fenced", 4));
  cut.maps.forEach((page, i) => {
    const shade = Math.floor((i * 8) / cut.maps.length);
    const cls = page < 0 ? "sc-ghost" : `sc-s${shade}`;
    marks.push(rect(`${k}-e${i}`, start + i * size + 1, top, size - (narrow ? 2 : 3), cell, cls, 2));
  });
  return marks;
}

// Frames with the same sign, each at its place, as one mark.
/** @param {string} k @param {string} sign @param {Place[]} list @param {number} size @returns {Mark} */
function signs(k, sign, list, size) {
  const centres = list.map(([px, py]) => /** @type {Place} */ ([px + size / 2 - 0.5, py + size / 2 - 0.5]));
  if (sign === ".") return rings(`${k}-free`, centres, 1.2, "sc-dot");
  if (sign === "z") return rings(`${k}-zero`, centres, size * 0.32, "sc-zero");
  if (sign === "n") return squares(`${k}-new`, list, size - 2, "sc-r-new");
  if (sign === "x") return squares(`${k}-other`, list, size - 2, "sc-other");
  if (sign === "m") return squares(`${k}-moved`, list, size - 2, "sc-other sc-r-moved");
  return squares(`${k}-s${sign}`, list, size - 2, `sc-s${sign}`);
}

// The frames, block by block.
/** @param {string} k @param {RouteCut} cut @param {number} x @param {number} y @param {Places} at @returns {Mark[]} */
function frames(k, cut, x, y, at) {
  const entries = cut.frames.length / BLOCKS;
  const side = Math.sqrt(entries);
  const size = (at.block - (at.narrow ? 8 : 10)) / side;
  const top = y + at.frames;
  /** @param {number} block */
  const left = (block) => x + at.left + block * at.block;
  const groups = /** @type {Map<string, Place[]>} */ (new Map());
  const marks = /** @type {Mark[]} */ ([]);
  for (let block = 0; block < BLOCKS; block++) {
    const inside = cut.frames.slice(block * entries, (block + 1) * entries);
    const huge = cut.huge && cut.maps[0] === block * entries;
    const cls = huge ? "sc-leaf" : cut.whole.includes(block) ? "sc-r-whole" : "sc-paper";
    marks.push(rect(`${k}-b${block}`, left(block), top, at.block - 4, at.block - 4, cls, 4));
    [...inside].forEach((sign, i) => {
      const place = /** @type {Place} */ ([
        left(block) + (at.narrow ? 2.5 : 3) + (i % side) * size,
        top + (at.narrow ? 2.5 : 3) + Math.floor(i / side) * size,
      ]);
      groups.set(sign, [...(groups.get(sign) ?? []), place]);
    });
  }
  for (const [sign, list] of groups) marks.push(signs(k, sign, list, size));
  return [...marks, ...links(k, cut, x, y, at, (block) => left(block) + at.block / 2 - 2)];
}

// From the window to its frames, and from the blocks that are emptied to the one that is filled.
/** @param {string} k @param {RouteCut} cut @param {number} x @param {number} top @param {Places} at @param {(block: number) => number} middle @returns {Mark[]} */
function links(k, cut, x, top, at, middle) {
  const entries = cut.frames.length / BLOCKS;
  const [y, under] = [top + at.frames, top + at.cells + at.cell];
  const [start, w] = [x + at.cellsAt, at.cellsWide];
  if (cut.huge) {
    const [from, to] = [start + w / 2, middle(cut.maps[0] / entries)];
    return [path(`${k}-link`, `M${from} ${under}Q${from} ${(under + y) / 2} ${to} ${y - 2}`, "sc-r-link")];
  }
  if (cut.working)
    return cut.arcs.flatMap(([from, to], i) => {
      const [a, b] = [middle(from), middle(to)];
      return [
        path(
          `${k}-arc${i}`,
          `M${a} ${y - 2}Q${(a + b) / 2} ${y - at.arc - 2} ${b} ${y - 6}`,
          `sc-r-arc sc-r-${k}`,
        ),
        path(`${k}-tip${i}`, `M${b} ${y}l-6 -9h12z`, `sc-r-tip sc-r-${k}`),
      ];
    });
  const size = w / cut.maps.length;
  const lines = cut.maps.map((page, i) =>
    page < 0 ? "" : `M${start + (i + 0.5) * size} ${under + 2}L${middle(Math.floor(page / entries))} ${y}`,
  );
  return lines.some(Boolean) ? [path(`${k}-lines`, lines.join(""), "sc-r-lines")] : [];
}

const ENDS = { "": "sc-band", huge: "sc-r-end sc-r-good", block: "sc-r-end sc-r-half", nothing: "sc-r-end" };
const TICKS = { "": "", huge: "✓ ", block: "", nothing: "✕ " };

// What comes of it: below the frames, or on a phone beside them.
/** @param {string} k @param {RouteCut} cut @param {number} x @param {number} y @param {Places} at @returns {Mark[]} */
function foot(k, { foot: [result, more], end }, x, y, at) {
  const first = TICKS[end] + result;
  if (!at.narrow) {
    const top = y + at.frames + at.block + 8;
    return [
      rect(`${k}-foot`, x + 8, top, at.width - 16, FOOT, ENDS[end], 6),
      words(`${k}-result-0`, x + 20, top + 20, first, "sc-strongtext"),
      words(`${k}-more-0`, x + 20, top + 39, more),
    ];
  }
  const left = x + at.left + BLOCKS * at.block + 6;
  const wide = x + at.right - left;
  const bold = wrapped(first, wide - 14, 13, 600);
  const lines = [...bold, ...wrapped(more, wide - 14, 13)];
  const start = y + 108 - (lines.length - 1) * 7.5 + 4;
  return [
    rect(`${k}-foot`, left, y + 76, wide, 64, ENDS[end], 5),
    ...lines.map((line, i) =>
      words(`${k}-foot-${i}`, left + 7, start + i * 15, line, i < bold.length ? "sc-strongtext" : ""),
    ),
  ];
}

/** @param {Route} route @param {number} moment @param {number} x @param {number} y @param {Places} at @returns {Mark[]} */
function drawRoute({ name: k, title, when, program, cuts }, moment, x, y, at) {
  const cut = cuts[moment];
  return [
    rect(`${k}-card`, x, y, at.width, at.high, `sc-r-card sc-r-edge-${k}`, 8),
    rect(`${k}-head`, x, y, at.width, at.head, `sc-r-head-${k}`, 8),
    words(`${k}-title`, x + at.left, y + at.title, title, "sc-big sc-r-ink"),
    words(`${k}-when`, x + at.right, y + at.title - 1, when, "sc-end sc-r-ink"),
    ...people(k, cut, x, y, at),
    ...window(k, program, cut, x, y, at),
    ...frames(k, cut, x, y, at),
    ...foot(k, cut, x, y, at),
  ];
}

// What the signs mean, of those that come up at some moment.
/** @param {Route[]} routes @param {number} y @param {boolean} narrow @returns {Mark[]} */
function key(routes, y, narrow) {
  const seen = new Set(routes.flatMap(({ cuts }) => cuts.flatMap((cut) => [...cut.frames])));
  const { program, others, cuts } = routes[0];
  const meanings = [
    ["2", narrow ? `of ${program}` : `page of ${program}`],
    ["x", narrow ? `of ${others}` : `page of ${others}`],
    ["m", narrow ? "moved" : `page of ${others}, moved`],
    [".", "free"],
    ["z", narrow ? "zeros" : "filled with zeros"],
  ];
  let x = 6;
  const marks = /** @type {Mark[]} */ ([]);
  if (!narrow) {
    const memory = `Memory: ${BLOCKS} blocks of ${cuts[0].maps.length} frames`;
    marks.push(words("key-memory", x, y, memory, "sc-quiettext"));
    x += widthOf(memory) + 16;
  }
  for (const [sign, meaning] of meanings) {
    if (!seen.has(sign)) continue;
    marks.push(signs("key", sign, [[x, y - 11]], 14));
    marks.push(words(`key-${sign}`, x + 18, y, meaning, "sc-quiettext"));
    x += widthOf(meaning, narrow ? 13 : 14) + (narrow ? 30 : 34);
  }
  return marks;
}

/** @param {RoutesData} data @param {number} moment @param {number} width @param {boolean} narrow @returns {Mark[]} */
export function drawRoutes({ routes }, moment, width, narrow) {
  const at = placesOf(width, narrow);
  const across = narrow ? 0 : at.width + GAP;
  const down = narrow ? at.high + 6 : 0;
  return [
    ...routes.flatMap((route, i) => drawRoute(route, moment, 2 + i * across, 2 + i * down, at)),
    ...key(routes, routesHeight(width, narrow) - 6, narrow),
  ];
}
