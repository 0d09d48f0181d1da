// khugepaged's list as a ring: who is on it, and the cursor as a hand that goes round.

import { path, rect, rings, words } from "./marks.js";

/** @import { Mark, PassState, PassTold } from "../types.js" */

const AROUND = 5; // of a long list so many are drawn before the cursor, and after it
const FEW = 3; // in a small ring

/** @typedef {{ x: number, y: number, far: number, r: number }} Ring */
/** @typedef {{ name: string, place: number, left: number }} Seat a process, or the gap for `left` of them */

// Who is drawn: all, or the neighbours of the cursor and a gap for the others.
/** @param {PassTold} list @param {number} [around] @returns {Seat[]} */
export function seatsOf({ names, at }, around = AROUND) {
  const all = names.map((name, place) => ({ name, place, left: 0 }));
  if (all.length <= 2 * around + 2) return all;
  const from = Math.max(0, Math.min(at - around, all.length - 2 * around - 1));
  const shown = all.slice(from, from + 2 * around + 1);
  return [...shown, { name: "", place: -1, left: all.length - shown.length }];
}

/** @param {Ring} ring @param {number} turn from 0 at the top to 1 @param {number} far @returns {[number, number]} */
function spot({ x, y }, turn, far) {
  const angle = turn * 2 * Math.PI - Math.PI / 2;
  return [Math.round(x + Math.cos(angle) * far), Math.round(y + Math.sin(angle) * far)];
}

// Where a process is drawn; null if it is in the gap.
/** @param {Ring} ring @param {PassTold} list @param {string} name @returns {[number, number] | null} */
export function seatOf(ring, list, name) {
  const seats = seatsOf(list, ring.far < 100 ? FEW : AROUND);
  const i = seats.findIndex((seat) => seat.name === name && !seat.left);
  return i < 0 ? null : spot(ring, i / seats.length, ring.far);
}

/** @param {string} text @param {number} most */
const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

// A closed lock, for a process whose address space is in use.
/** @param {string} k @param {number} x @param {number} y @returns {Mark} */
export const lockMark = (k, x, y) =>
  path(
    k,
    `M${x - 7} ${y}h14v10h-14zM${x - 5} ${y}v-4a5 5 0 0 1 10 0v4h-2.5v-4a2.5 2.5 0 0 0 -5 0v4z`,
    "sc-lock",
  );

/** @param {Ring} ring @param {PassTold} list @param {PassState} state @returns {Mark[]} */
export function drawRing(ring, list, state) {
  const { x, y, far, r } = ring;
  const seats = seatsOf(list, ring.far < 100 ? FEW : AROUND);
  const marks = [rings("ring", [[x, y]], far, list.names.length ? "sc-ring" : "sc-ring sc-ghost")];
  if (!seats.length) {
    marks.push(words("ring-none", x, y - 4, "the list", "sc-middle sc-strongtext"));
    marks.push(words("ring-empty", x, y + 14, "is empty", "sc-middle sc-strongtext"));
    return marks;
  }
  // Which way round: an arrow head between each two.
  const heads = seats.map((_, i) => {
    const [hx, hy] = spot(ring, (i + 0.5) / seats.length, far);
    const [tx, ty] = spot(ring, (i + 0.5) / seats.length - 0.03, far + 7);
    const [ux, uy] = spot(ring, (i + 0.5) / seats.length - 0.03, far - 7);
    return `M${tx} ${ty}L${hx} ${hy}L${ux} ${uy}`;
  });
  marks.push(path("ring-ways", heads.slice(0, -1).join(""), "sc-round"), ...lapLine(ring, seats, list.at));
  marks.push(...hand(ring, list, seats));
  for (const [i, seat] of seats.entries())
    marks.push(...drawSeat(seat, spot(ring, i / seats.length, far), r, list, state));
  marks.push(
    words("laps", x, y + 4, String(list.laps), r > 24 ? "sc-middle sc-number" : "sc-middle sc-big"),
    words("laps-are", x, y + 21, list.laps === 1 ? "lap" : "laps", "sc-middle sc-small sc-quiettext"),
  );
  return marks;
}

// Where the list ends: a lap is counted there.
/** @param {Ring} ring @param {Seat[]} seats @param {number} at @returns {Mark[]} */
function lapLine(ring, seats, at) {
  if (seats[0].place > 0) return []; // the end is in the gap
  const turn = -0.5 / seats.length;
  const [ax, ay] = spot(ring, turn, ring.far - 9);
  const [bx, by] = spot(ring, turn, ring.far + 9);
  const line = path("lap-line", `M${ax} ${ay}L${bx} ${by}`, "sc-limit");
  const cls = "sc-middle sc-small sc-quiettext";
  if (seats.length < 2) return [line, words("lap-end", ring.x, ay - 6, "end of the list", cls)];
  if (ring.far < 100) {
    // No room inside: a sample of the line below the ring.
    const foot = ring.y + ring.far + 22;
    return [
      line,
      path("lap-key", `M4 ${foot - 12}v14`, "sc-limit"),
      words("lap-end", 12, foot, "end of list", "sc-small sc-quiettext"),
    ];
  }
  // Inside, beside the line, on that side where the hand is not.
  const before = at === seats[seats.length - 1].place ? 1 : -1;
  const [x, y] = spot(ring, turn + before * 0.075, ring.far * 0.58);
  return [line, words("lap-end", x, y, "end of", cls), words("lap-end-2", x, y + 15, "the list", cls)];
}

// From the middle to the process of the next visit; to the end of the list if the cursor is on none.
/** @param {Ring} ring @param {PassTold} list @param {Seat[]} seats @returns {Mark[]} */
function hand(ring, list, seats) {
  const i = seats.findIndex(({ place }) => place === list.at && place >= 0);
  const turn = i < 0 ? -0.5 / seats.length : i / seats.length;
  const inner = ring.r > 24 ? 40 : 30;
  const end = ring.far - ring.r - 4; // the same everywhere: it turns and does not grow
  const [ax, ay] = spot(ring, turn, inner);
  const [bx, by] = spot(ring, turn, end - 5);
  /** @type {Mark["turns"]} */
  const turns = [ring.x, ring.y, turn * 360];
  return [
    rings("hub", [[ring.x, ring.y]], inner - 2, "sc-hub"),
    { ...path("hand", `M${ax} ${ay}L${bx} ${by}`, "sc-hand"), turns },
    { ...rect("hand-tip", bx - 6, by - 6, 12, 12, "sc-hand-tip", 6), turns },
  ];
}

/** @param {Seat} seat @param {[number, number]} place @param {number} r @param {PassTold} list @param {PassState} state @returns {Mark[]} */
function drawSeat(seat, [x, y], r, list, state) {
  const k = seat.left ? "gap" : `seat-${seat.place}`;
  if (seat.left)
    return [
      rings(k, [[x, y]], r, "sc-seat sc-ghost"),
      words("gap-more", x, y - 1, String(seat.left), "sc-middle sc-strongtext"),
      words("gap-are", x, y + 14, "more", "sc-middle sc-small"),
    ];
  const share = state.mms.get(seat.name);
  const busy = share?.busy ?? false;
  const here = seat.place === list.at;
  const cls = here
    ? "sc-seat sc-here sc-door"
    : busy
      ? "sc-seat sc-busy"
      : share?.spent
        ? "sc-seat sc-visited"
        : "sc-seat";
  const marks = [
    rings(k, [[x, y]], r, cls),
    words(`${k}-n`, x, y - 1, shortened(seat.name, r > 24 ? 7 : 6), "sc-middle sc-small sc-strongtext"),
  ];
  const said = busy ? "busy" : share?.spent ? String(share.spent) : "";
  if (said) marks.push(words(`${k}-s`, x, y + 14, said, "sc-middle sc-small"));
  if (busy) marks.push(lockMark(`${k}-l`, x + r - 4, y - r + 2));
  return marks;
}
