// Where the parts of the picture of a fault are: boxes, and the ways between them, wide and on a phone.

/** @import { FaultBox, FaultPlaces, FaultWay } from "../types.js" */

const CLOCK = 168; // and the outcomes below it

/** @param {number} x @param {number} y @param {number} w @param {number} h @returns {FaultBox} */
const box = (x, y, w, h) => ({ x, y, w, h });
/** @param {FaultBox} at @param {number} [share] */
const inX = ({ x, w }, share = 0.5) => x + w * share;
/** @param {FaultBox} at */
const foot = ({ y, h }) => y + h;
/** @param {FaultBox} at */
const side = ({ y, h }) => y + h / 2;
/** @param {FaultBox} at */
const end = ({ x, w }) => x + w;

// Four entries of tables, one for each level of the walk.
/** @param {number} from @param {number} to @param {number} gap @param {number} y @param {number} h */
function walkBoxes(from, to, gap, y, h) {
  const w = (to - from - 3 * gap) / 4;
  return Array.from({ length: 4 }, (_, i) => box(from + i * (w + gap), y, w, h));
}

// Questions in a row; "no" goes down to the small pages, "yes" to the right.
/** @param {number} width @param {boolean} timed @returns {FaultPlaces} */
export function widePlaces(width, timed) {
  const gap = 32;
  const right = width - CLOCK - 4;
  const w = (right - 5 * gap - 3) / 5;
  const [empty, allowed, whole, block, room] = [0, 1, 2, 3, 4].map((i) => box(3 + i * (w + gap), 116, w, 68));
  const make = box(block.x, 214, w, 48);
  const small = box(3, 290, width - 7, 83);
  const [zero, huge, late] = [
    box(right, 76, CLOCK, 43),
    box(right, 124, CLOCK, 52),
    box(right, 184, CLOCK, 66),
  ];
  const split = right - gap / 2;
  /** @param {FaultBox} from @param {FaultBox} to @returns {FaultWay} */
  const across = (from, to) => ({ points: [[end(from), 150], [to.x, 150]], label: "yes" }); // biome-ignore format: pairs
  /** @param {FaultBox} from @param {number} [share] @returns {FaultWay} */
  const down = (from, share) => ({ points: [[inX(from, share), foot(from)], [inX(from, share), 288]], label: "no" }); // biome-ignore format: pairs
  return {
    boxes: { empty, allowed, whole, block, make, room, zero, huge, late, small },
    touch: box(3, 2, 180, 68),
    walk: walkBoxes(200, timed ? right - 16 : width - 2, 12, 2, 68),
    clock: box(right, 2, CLOCK, 62),
    cells: box(width * 0.45, 302, width * 0.55 - 16, 62),
    // biome-ignore format: a table
    ways: {
      "empty-yes": across(empty, allowed), "allowed-yes": across(allowed, whole),
      "whole-yes": across(whole, block), "block-yes": across(block, room),
      "empty-no": down(empty), "allowed-no": down(allowed), "whole-no": down(whole), "make-no": down(make),
      "room-no": down(room, 0.66),
      "block-no": { points: [[inX(block), 184], [inX(block), 214]], label: "no" },
      "make-yes": { points: [[end(make), 238], [inX(room, 0.25), 238], [inX(room, 0.25), 184]], label: "yes" },
      "room-huge": across(room, huge),
      "room-late": { points: [[end(room), 150], [split, 150], [split, 217], [right, 217]], label: "" },
      "whole-zero": { points: [[inX(whole), 116], [inX(whole), 92], [right, 92]], label: "only read" },
      "empty-block": { points: [[inX(empty), 116], [inX(empty), 92], [inX(block), 92], [inX(block), 116]], label: "no" },
      "empty-huge": { points: [[inX(empty), 116], [inX(empty), 92], [split, 92], [split, 150], [right, 150]], label: "no" },
    },
  };
}

// Questions one below the other; "no" goes to the right and down at the edge.
/** @param {number} width @returns {FaultPlaces} */
export function narrowPlaces(width) {
  const w = width - 110;
  const [empty, allowed, whole, block, make, room] = [0, 1, 2, 3, 4, 5].map((i) => {
    const inset = i === 4 ? 36 : 0;
    return box(2 + inset, 118 + i * 48, w - inset, 32);
  });
  const third = (width - 36) / 3;
  const [huge, late, zero] = [0, 1, 2].map((i) => box(2 + i * (third + 6), 412, third, 52));
  const small = box(3, 480, width - 6, 91);
  const edge = width - 8;
  /** @param {FaultBox} from @param {FaultBox} to @param {number} x @param {string} [label] @returns {FaultWay} */
  const down = (from, to, x, label = "yes") => ({ points: [[x, foot(from)], [x, to.y]], label }); // biome-ignore format: pairs
  /** @param {FaultBox} from @returns {FaultWay} */
  const out = (from) => ({ points: [[end(from), side(from)], [edge, side(from)], [edge, small.y]], label: "no" }); // biome-ignore format: pairs
  const read = width - 30;
  const beside = end(empty) + 22;
  return {
    boxes: { empty, allowed, whole, block, make, room, zero, huge, late, small },
    touch: box(0, 0, width, 24),
    walk: walkBoxes(2, width - 2, 10, 28, 58),
    clock: box(0, 90, width, 24),
    cells: box(10, 528, width - 20, 40),
    // biome-ignore format: a table
    ways: {
      "empty-yes": down(empty, allowed, w / 3), "allowed-yes": down(allowed, whole, w / 3),
      "whole-yes": down(whole, block, w / 3), "block-yes": down(block, room, 16),
      "empty-no": out(empty), "allowed-no": out(allowed), "whole-no": out(whole), "make-no": out(make), "room-no": out(room),
      "block-no": down(block, make, w / 2, "no"), "make-yes": down(make, room, w / 2),
      "room-huge": down(room, huge, inX(huge)), "room-late": down(room, late, inX(late)),
      "whole-zero": { points: [[end(whole), foot(whole) - 6], [read, foot(whole) - 6], [read, zero.y]], label: "" },
      "empty-block": { points: [[end(empty), side(empty)], [beside, side(empty)], [beside, side(block)], [end(block), side(block)]], label: "no" },
      "empty-huge": { points: [[end(empty), side(empty)], [beside, side(empty)], [beside, 402], [inX(huge), 402], [inX(huge), huge.y]], label: "no" },
    },
  };
}
