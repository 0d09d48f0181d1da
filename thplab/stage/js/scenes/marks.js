// Marks of a scene, and the picture that they make: each mark has a key, so that an element stays what it was.

import { el } from "../draw/dom.js";
import { motionOf, zoom } from "./motion.js";

/** @import { Mark, Motion } from "../types.js" */

const EMPTY = '<svg class="sc-picture" aria-hidden="true"></svg>';

// An SVG element; its namespace is that of an SVG which the HTML parser has made.
const makeRoot = () =>
  document.adoptNode(new DOMParser().parseFromString(EMPTY, "text/html").body.children[0]);

/** @param {string} k @param {number} x @param {number} y @param {number} w @param {number} h @param {string} cls @param {number} [r] @returns {Mark} */
export const rect = (k, x, y, w, h, cls, r = 0) => ({
  k,
  tag: "rect",
  cls,
  at: { x, y, width: w, height: h, rx: r },
});

/** @param {string} k @param {number} x @param {number} y @param {string} text @param {string} [cls] @returns {Mark} */
export const words = (k, x, y, text, cls = "") => ({ k, tag: "text", cls, at: { x, y }, text });

/** @param {string} k @param {string} d @param {string} cls @returns {Mark} */
export const path = (k, d, cls) => ({ k, tag: "path", cls, at: { d } });

// Many squares as one path: a picture has thousands of cells, and an element for each would be slow.
/** @param {string} k @param {[x: number, y: number][]} places @param {number} size @param {string} cls @returns {Mark} */
export function squares(k, places, size, cls) {
  return path(k, places.map(([x, y]) => `M${x} ${y}h${size}v${size}h${-size}z`).join(""), cls);
}

// The same of rings, or of dots with a small radius.
/** @param {string} k @param {[x: number, y: number][]} centres @param {number} r @param {string} cls @returns {Mark} */
export function rings(k, centres, r, cls) {
  const ring = `a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
  return path(k, centres.map(([x, y]) => `M${x - r} ${y}${ring}`).join(""), cls);
}

// A page of zeros in a square of side `size`: its edge, and in it the figure that a hole doesn't have.
/** @param {number} x @param {number} y @param {number} size */
export function zeroPath(x, y, size) {
  const [wide, high] = [size * 0.19, size * 0.3];
  const round = `a${wide} ${high} 0 1 0 ${2 * wide} 0a${wide} ${high} 0 1 0 ${-2 * wide} 0`;
  return `M${x} ${y}h${size}v${size}h${-size}zM${x + size / 2 - wide} ${y + size / 2}${round}`;
}

const pen = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
const widths = /** @type {Map<string, number>} */ (new Map());
let font = "";

// How wide a text is, in CSS pixels.
/** @param {string} text @param {number} [size] @param {number} [weight] */
export function widthOf(text, size = 14, weight = 400) {
  const key = `${size} ${weight} ${text}`;
  const found = widths.get(key);
  if (found !== undefined) return found;
  if (widths.size > 2000) widths.clear();
  const wanted = `${weight} ${size}px system-ui, sans-serif`;
  if (font !== wanted) pen.font = wanted; // slow, even where it is the same
  font = wanted;
  const width = pen.measureText(text).width;
  widths.set(key, width);
  return width;
}

// A text in lines that are no wider than `width`.
/** @param {string} text @param {number} width @param {number} [size] @param {number} [weight] */
export function wrapped(text, width, size = 14, weight = 400) {
  const gap = widthOf(" ", size, weight);
  const lines = /** @type {string[][]} */ ([[]]);
  let used = 0;
  // Word by word: the same words come again and again, and are measured once.
  for (const word of text.split(" ")) {
    const wide = widthOf(word, size, weight);
    const line = lines[lines.length - 1];
    if (line.length && used + gap + wide > width) {
      lines.push([word]);
      used = wide;
    } else {
      used += line.length ? gap + wide : wide;
      line.push(word);
    }
  }
  return lines.map((line) => line.join(" "));
}

// Lines of text below each other.
/** @param {string} k @param {number} x @param {number} y @param {string[]} lines @param {string} [cls] @param {number} [step] */
export const paragraph = (k, x, y, lines, cls = "", step = 19) =>
  lines.map((line, i) => words(`${k}-${i}`, x, y + i * step, line, cls));

// A pill with a text in it; `width` is how wide it became.
/** @param {string} k @param {number} x @param {number} y @param {string} text @param {string} [cls] */
export function chip(k, x, y, text, cls = "") {
  const width = widthOf(text) + 22;
  const marks = [rect(k, x, y, width, 26, `sc-chip ${cls}`, 13), words(`${k}-t`, x + 11, y + 18, text)];
  return { marks, width };
}

// A mark that moves: it comes from `from`, or from where it was drawn last, in a quarter of a second.
/** @param {Mark} mark @param {[x: number, y: number]} [from] @returns {Mark} */
export const moving = (mark, from) => ({ ...mark, moves: from ?? true });

const DOOR = ".sc-door"; // what the scene inside grows out of
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {Element} node @param {Record<string, string | number>} at @param {Record<string, string | number>} before */
function write(node, at, before) {
  for (const name of Object.keys(before)) if (!(name in at)) node.removeAttribute(name);
  for (const [name, value] of Object.entries(at)) {
    if (before[name] !== value) node.setAttribute(name, String(value));
  }
}

// A picture: draw(marks, width, height, moves, zooms, back) shows these marks and no others, in their order. `moves`: marks may
// move; `zooms`: the scene is another one, inside ("in") or around ("out") the one before. A motion that has not ended
// when the next picture comes is finished at once.
export function makePicture() {
  const root = makeRoot();
  const known = /** @type {Map<string, { node: Element, mark: Mark }>} */ (new Map());
  let motions = /** @type {[node: Element, motion: Motion][]} */ ([]);
  let running = /** @type {Animation[]} */ ([]);
  let leaving = /** @type {Element | null} */ (null);

  // `flies`: does a mark fly at all? Then no other one moves from place to place.
  /** @param {Mark} mark @param {boolean} moves @param {boolean} flies @param {boolean} back */
  function show(mark, moves, flies, back) {
    let item = known.get(mark.k);
    if (item && item.mark.tag !== mark.tag) {
      item.node.remove();
      item = undefined;
    }
    const node = item?.node ?? document.createElementNS(root.namespaceURI, mark.tag);
    write(node, mark.at, item?.mark.at ?? {});
    if (item?.mark.cls !== mark.cls) node.setAttribute("class", mark.cls);
    if (mark.text !== undefined && item?.mark.text !== mark.text) node.textContent = mark.text;
    const motion = moves ? motionOf(mark, item?.mark, flies, back) : null;
    if (motion) motions.push([node, motion]);
    known.set(mark.k, { node, mark });
    return node;
  }

  // What was shown until now stays for the time of the zoom.
  function beginZoom() {
    return {
      copy: el("div", "sc-room sc-leaving", /** @type {any} */ (root.cloneNode(true))),
      door: root.querySelector(DOOR)?.getBoundingClientRect(),
      box: root.getBoundingClientRect(),
    };
  }

  /** @param {ReturnType<typeof beginZoom>} before @param {"in" | "out"} which */
  function endZoom({ copy, door, box }, which) {
    const place = which === "in" ? door : root.querySelector(DOOR)?.getBoundingClientRect();
    const room = root.parentElement;
    if (!place?.width || !room?.parentNode) return;
    Object.assign(copy.dataset, room.dataset); // the room has the old scene's name still
    const [left, top, width] = [room.offsetLeft, room.offsetTop, room.clientWidth].map((each) => `${each}px`);
    Object.assign(copy.style, { left, top, width });
    if (which === "in")
      room.before(copy); // what grows or shrinks lies above
    else room.after(copy);
    leaving = copy;
    const zooming =
      which === "in" ? zoom(root, copy, box, place, which) : zoom(copy, root, box, place, which);
    running.push(...zooming);
    Promise.all(zooming.map(({ finished }) => finished)).then(
      () => copy.remove(),
      () => copy.remove(),
    );
  }

  return {
    root,
    /** @param {Mark[]} marks @param {number} width @param {number} height @param {boolean} moves @param {"in" | "out" | ""} [zooms] @param {boolean} [back] */
    draw(marks, width, height, moves, zooms = "", back = false) {
      for (const each of running) each.finish();
      motions = [];
      running = [];
      leaving?.remove();
      leaving = null;
      const leaves = zooms && !still.matches ? beginZoom() : null;
      const wanted = new Set(marks.map(({ k }) => k));
      for (const [k, { node }] of known) {
        if (wanted.has(k)) continue;
        node.remove();
        known.delete(k);
      }
      let after = /** @type {Element | null} */ (null);
      const may = moves && !zooms && !still.matches;
      const flies = !back && marks.some((mark) => Array.isArray(mark.moves));
      for (const mark of marks) {
        const node = show(mark, may, flies, back);
        const here = after ? after.nextElementSibling : root.firstElementChild;
        if (here !== node) root.insertBefore(node, here);
        after = node;
      }
      // After all writing: each motion makes the browser work out the styles.
      running = motions.map(([node, { frames, options }]) => node.animate(frames, options));
      const box = `0 0 ${width} ${height}`;
      if (root.getAttribute("viewBox") !== box) root.setAttribute("viewBox", box);
      if (leaves && zooms) endZoom(leaves, zooms);
    },
  };
}
