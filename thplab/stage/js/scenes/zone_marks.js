// The blocks of a zone as grids of frames; many blocks as one bar each.

import { path, rect, words } from "./marks.js";
import { FRAMES } from "./zone_frames.js";

/** @import { BlockBox, Mark, ZoneFrames } from "../types.js" */

const CLASSES = /** @type {[kind: number, cls: string, words: string][]} */ ([
  [FRAMES.movable, "sc-page", "can move"],
  [FRAMES.moved, "sc-page sc-moved", "moved here"],
  [FRAMES.pinned, "sc-pinned", "pinned"],
  [FRAMES.fixed, "sc-fixed", "can't move"],
  [FRAMES.huge, "sc-hugeframe", "huge page"],
]);
const GRIDS = 32; // so many blocks are drawn frame by frame
const HEAD = 36; // above a block: its number, and what is free in it
const LARGE = 9; // cells as large as this show what is free as a dot, and are not written over
const FEW = 1 << 16; // frames; of a larger zone nothing is said of single ones

/** @param {ZoneFrames} zone */
export const isCondensed = ({ free }) => free.length > GRIDS;

/** @param {ZoneFrames} zone */
export const isFew = ({ kinds }) => kinds.length <= FEW;

/** @param {BlockBox[]} boxes */
export const isLarge = ([{ w, columns }]) => w / columns >= LARGE;

// Columns and rows of the cells of a block: those that make the cells most like squares.
/** @param {number} size @param {{ w: number, h: number }} box @returns {[columns: number, rows: number]} */
function gridOf(size, { w, h }) {
  let best = 1;
  /** @param {number} columns */
  const off = (columns) => Math.abs(Math.log((w * size) / (h * columns * columns)));
  for (let columns = 2; columns <= size; columns *= 2) if (off(columns) < off(best)) best = columns;
  return [best, size / best];
}

// Where the blocks are: in rows, as few as the room allows.
/** @param {ZoneFrames} zone @param {{ x: number, y: number, w: number, h: number }} room @param {boolean} narrow @returns {BlockBox[]} */
export function boxesOf(zone, room, narrow) {
  const blocks = zone.free.length;
  const most = isCondensed(zone) ? (narrow ? 32 : 64) : narrow ? 4 : 10;
  const rows = Math.min(4, Math.ceil(blocks / most));
  const across = Math.ceil(blocks / rows);
  const gap = isCondensed(zone) ? 1 : across > 6 ? 9 : 12;
  const w = Math.min((room.w - (across - 1) * gap) / across, isCondensed(zone) ? 24 : 200);
  const head = headOf(zone, rows);
  const tallest = room.h / rows - head - (rows > 1 ? 6 : 0);
  const [columns, down] = gridOf(zone.size, { w, h: tallest });
  const h = isCondensed(zone) ? tallest : Math.min(tallest, (w / columns) * down); // no cell is taller than wide
  const step = room.h / rows;
  return zone.free.map((_, i) => ({
    x: room.x + (i % across) * (w + gap),
    y: room.y + Math.floor(i / across) * step + head + (tallest - h) / 2,
    w,
    h,
    columns,
    rows: down,
  }));
}

/** @param {ZoneFrames} zone @param {number} rows */
const headOf = (zone, rows) => (isCondensed(zone) ? 18 : rows > 2 ? 20 : HEAD);

// The middle of a frame's cell, and the edge above it.
/** @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {number} frame @returns {[x: number, y: number, top: number]} */
export function placeOf(zone, boxes, frame) {
  const inside = (frame + zone.skew) % zone.size;
  const { x, y, w, h, columns, rows } = boxes[Math.floor((frame + zone.skew) / zone.size)];
  const row = Math.floor(inside / columns);
  return [x + ((inside % columns) + 0.5) * (w / columns), y + (row + 0.5) * (h / rows), y + row * (h / rows)];
}

// The block in which a frame lies; -1: the zone has no such frame.
/** @param {ZoneFrames} zone @param {number} frame */
export const blockOf = ({ kinds, skew, size }, frame) =>
  frame < kinds.length ? Math.floor((frame + skew) / size) : -1;

// One path for all cells of a class. `grown`: larger than their place by so much.
/** @param {string} k @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {Iterable<number>} frames @param {string} cls @param {number} [grown] */
export function cells(k, zone, boxes, frames, cls, grown = 0) {
  const [w, h] = [boxes[0].w / boxes[0].columns, boxes[0].h / boxes[0].rows];
  const gap = Math.min(w, h) > 5 ? 1.2 : 0.6;
  const [cw, ch] = [w - gap + grown, h - gap + grown];
  const cell = `h${cw.toFixed(2)}v${ch.toFixed(2)}h${(-cw).toFixed(2)}z`;
  let d = "";
  for (const frame of frames) {
    const [x, y] = placeOf(zone, boxes, frame);
    d += `M${(x - cw / 2).toFixed(1)} ${(y - ch / 2).toFixed(1)}${cell}`;
  }
  return path(k, d, cls);
}

/** @param {ZoneFrames} zone @param {BlockBox[]} boxes @returns {Mark[]} */
export function frameMarks(zone, boxes) {
  if (isCondensed(zone)) return barMarks(zone, boxes);
  const { ofKind } = zone;
  const marks = CLASSES.filter(([kind]) => ofKind[kind].length).map(([kind, cls]) =>
    cells(`frames-${kind}`, zone, boxes, ofKind[kind], cls, kind === FRAMES.pinned ? 1.5 : 0),
  );
  if (isLarge(boxes)) {
    const dots = ofKind[FRAMES.free].map((frame) => placeOf(zone, boxes, frame));
    const d = dots.map(([x, y]) => `M${x - 1.4} ${y}a1.4 1.4 0 1 0 2.8 0a1.4 1.4 0 1 0 -2.8 0`).join("");
    marks.unshift(path("frames-free", d, "sc-dot"));
  }
  return marks;
}

/** @param {ZoneFrames} zone @param {BlockBox[]} boxes @returns {Mark[]} */
function barMarks({ free, size }, boxes) {
  const bars = boxes.map(({ x, y, w, h }, i) => {
    const used = (h * (size - free[i])) / size;
    return `M${x} ${y + h - used}h${w}v${used}h${-w}z`;
  });
  return [path("bars", bars.join(""), "sc-page")];
}

// A block's frame, its number, and what is free in it.
/** @param {ZoneFrames} zone @param {BlockBox[]} boxes @param {(block: number) => { mark: string, cls: string }} fateOf @returns {Mark[]} */
export function blockMarks(zone, boxes, fateOf) {
  const tall = new Set(boxes.map(({ y }) => y)).size < 3;
  return boxes.flatMap(({ x, y, w, h }, block) => {
    const { mark, cls } = fateOf(block);
    const marks = [rect(`block-${block}`, x - 2, y - 2, w + 4, h + 4, cls, 3)];
    if (isCondensed(zone)) {
      if (block % 8 === 0)
        marks.push(words(`block-t${block}`, x, y - 5, String(block), "sc-small sc-quiettext"));
      return marks;
    }
    const free = zone.free[block];
    if (!tall) return [...marks, words(`block-t${block}`, x, y - 7, `${block}: ${free} free`, "sc-small")];
    marks.push(words(`block-t${block}`, x, y - 23, `block ${block}`, "sc-small sc-strongtext"));
    if (mark) marks.push(words(`block-m${block}`, x + w, y - 22, mark, "sc-end sc-strongtext sc-fate"));
    return [...marks, words(`block-f${block}`, x, y - 8, `${free} free`, "sc-small sc-quiettext")];
  });
}

// What the cells mean: only what there is.
/** @param {ZoneFrames} zone @param {number} x @param {number} y @param {number} w @param {boolean} moves @returns {Mark[]} */
export function zoneLegend(zone, x, y, w, moves) {
  const rows = CLASSES.filter(([kind]) => zone.ofKind[kind].length || kind === FRAMES.movable).map(
    ([, ...row]) => row,
  );
  const left = /** @type {[cls: string, words: string][]} */ (moves ? [["sc-left", "left just now"]] : []);
  const items = isCondensed(zone) ? [["sc-page", "in use (one column is a block)"]] : [...rows, ...left];
  let [at, line] = [x, y];
  return [...items, ["sc-freeframe", "free"]].flatMap(([cls, text], i) => {
    const wide = 24 + text.length * 8.2;
    if (at + wide > x + w) [at, line] = [x, line + 17];
    const marks = [
      rect(`key-${i}`, at, line - 10, 11, 11, cls),
      words(`key-t${i}`, at + 16, line, text, "sc-small"),
    ];
    at += wide;
    return marks;
  });
}
