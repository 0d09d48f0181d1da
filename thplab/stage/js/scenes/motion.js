// How marks move: from place to place, along the rows of a table, round a centre, or one after the other into view;
// and how a picture grows out of the thing that is entered. Each motion ends within a quarter of a second.

/** @import { Mark, Motion } from "../types.js" */

const MOTION = { duration: 220, easing: "ease-out" };
const SHOWS = 60; // milliseconds in which a mark comes into view
const ZOOM = { duration: 250, easing: "ease-out" };
const FAINT = 0.15;
const SEEN = 0.5;

/** @param {number} x @param {number} y */
const shift = (x, y) => (x || y ? `translate(${x}px, ${y}px)` : "none");

// From `from` to where the mark is; in a table with rows along each of them, as a reader goes.
/** @param {Mark} mark @param {[number, number]} from @returns {Motion | null} */
function going({ at, rows }, [fromX, fromY]) {
  const [x, y] = [Number(at.x), Number(at.y)];
  if (fromX === x && fromY === y) return null;
  if (!rows || fromY === y)
    return { frames: [{ transform: shift(fromX - x, fromY - y) }, { transform: "none" }], options: MOTION };
  const [left, right, pitch] = rows;
  const by = Math.sign(y - fromY);
  const [begin, end] = by > 0 ? [left, right] : [right, left];
  const legs = [[fromX, end, fromY]];
  for (let row = fromY + by * pitch; by * (y - row) > 0.5; row += by * pitch) legs.push([begin, end, row]);
  legs.push([begin, x, y]);
  const long = legs.reduce((sum, [a, b]) => sum + Math.abs(b - a), 0) || 1;
  let gone = 0;
  const frames = legs.flatMap(([a, b, row]) => {
    const first = { transform: shift(a - x, row - y), offset: Math.min(1, gone / long) };
    gone += Math.abs(b - a);
    return [first, { transform: shift(b - x, row - y), offset: Math.min(1, gone / long) }];
  });
  return { frames, options: { ...MOTION, easing: "linear" } };
}

// Round a centre, the shorter way.
/** @param {NonNullable<Mark["turns"]>} turns @param {Mark | undefined} before @returns {Motion | null} */
function turning([x, y, angle], before) {
  if (!before?.turns) return null;
  const by = ((before.turns[2] - angle + 540) % 360) - 180;
  const transformOrigin = `${x}px ${y}px`;
  const frames = [
    { transform: `rotate(${by}deg)`, transformOrigin },
    { transform: "none", transformOrigin },
  ];
  return by ? { frames, options: MOTION } : null;
}

// What a mark does from the picture before to this one; null: nothing. `flies`: something else is on its way, and
// no more than one thing is. `back`: back in time what turned or went somewhere returns the same way; what flew in
// or appeared at a step did so before that step, so the picture of the step is there at once.
/** @param {Mark} mark @param {Mark | undefined} before @param {boolean} flies @param {boolean} back @returns {Motion | null} */
export function motionOf(mark, before, flies, back) {
  const { at, moves, appears, turns } = mark;
  if (back && (Array.isArray(moves) || appears !== undefined)) return null;
  if (Array.isArray(moves)) return going(mark, moves);
  if (appears !== undefined && (before?.cls !== mark.cls || before.text !== mark.text))
    return {
      frames: [{ opacity: FAINT }, { opacity: 1 }],
      options: { duration: SHOWS, delay: appears, fill: "backwards" },
    };
  if (flies || !before) return null;
  if (turns) return turning(turns, before);
  return moves && before.at.x !== undefined && at.x !== undefined
    ? going(mark, [Number(before.at.x), Number(before.at.y)])
    : null;
}

/** @param {DOMRect} picture @param {DOMRect} door */
function onto(picture, door) {
  const [x, y] = [door.left - picture.left, door.top - picture.top];
  return `translate(${x}px, ${y}px) scale(${door.width / picture.width}, ${door.height / picture.height})`;
}

// A picture grows out of a part of the one before it, or shrinks into a part of the one after it.
/** @param {Element} inner the one that grows or shrinks @param {Element} outer @param {DOMRect} picture @param {DOMRect} door @param {"in" | "out"} which @returns {Animation[]} */
export function zoom(inner, outer, picture, door, which) {
  const transformOrigin = "0 0";
  const background = "var(--paper)";
  const small = { transform: onto(picture, door), transformOrigin, background, opacity: SEEN };
  const large = { transform: "none", transformOrigin, background, opacity: 1 };
  const fade = [{ opacity: 1 }, { opacity: 0 }];
  if (which === "in") return [inner.animate([small, large], ZOOM), outer.animate(fade, ZOOM)];
  return [inner.animate([large, { ...small, opacity: SEEN }], ZOOM), outer.animate(fade.reverse(), ZOOM)];
}

/** @type {Record<string, string[]>} */
const AROUND = {
  process: ["pass"],
  window: ["pass", "process"],
  collapse: ["pass", "process", "window"],
  compaction: ["collapse", "fault"],
};

// Is one scene inside the other?
/** @param {string} before @param {string} after @returns {"in" | "out" | ""} */
export function zoomBetween(before, after) {
  if (AROUND[after]?.includes(before)) return "in";
  return AROUND[before]?.includes(after) ? "out" : "";
}
