// Marks of a scene, and the picture that they make: each mark has a key, so that an element stays what it was.

/** @import { Mark } from "../types.js" */

const SVG = "http://www.w3.org/2000/svg";

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

/** @param {Element} node @param {Record<string, string | number>} at @param {Record<string, string | number>} before */
function write(node, at, before) {
  for (const [name, value] of Object.entries(at)) {
    if (before[name] !== value) node.setAttribute(name, String(value));
  }
}

// A picture: draw(marks, width, height) shows these marks and no others, in their order.
export function makePicture() {
  const root = document.createElementNS(SVG, "svg");
  root.setAttribute("class", "sc-picture");
  root.setAttribute("aria-hidden", "true");
  const known = /** @type {Map<string, { node: Element, mark: Mark }>} */ (new Map());

  /** @param {Mark} mark */
  function show(mark) {
    let item = known.get(mark.k);
    if (item && item.mark.tag !== mark.tag) {
      item.node.remove();
      item = undefined;
    }
    const node = item?.node ?? document.createElementNS(SVG, mark.tag);
    write(node, mark.at, item?.mark.at ?? {});
    if (item?.mark.cls !== mark.cls) node.setAttribute("class", mark.cls);
    if (mark.text !== undefined && item?.mark.text !== mark.text) node.textContent = mark.text;
    known.set(mark.k, { node, mark });
    return node;
  }

  return {
    root,
    /** @param {Mark[]} marks @param {number} width @param {number} height */
    draw(marks, width, height) {
      const wanted = new Set(marks.map(({ k }) => k));
      for (const [k, { node }] of known) {
        if (wanted.has(k)) continue;
        node.remove();
        known.delete(k);
      }
      let after = /** @type {Element | null} */ (null);
      for (const mark of marks) {
        const node = show(mark);
        const here = after ? after.nextElementSibling : root.firstElementChild;
        if (here !== node) root.insertBefore(node, here);
        after = node;
      }
      root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    },
  };
}
