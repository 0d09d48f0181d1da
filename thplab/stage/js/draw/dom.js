// Making elements. Text only ever enters the page as text.

/** @import { Mode } from "../types.js" */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {string} [className] @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

// "1 page", "2 pages".
/** @param {number} number @param {string} thing */
export function counted(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

// What a node shows is written only if it is something else: a browser works out styles and layout for whatever is
// written. A text that takes another's place costs less in the other's node than in a new one.

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  const { firstChild: only } = node;
  if (only instanceof Text && !only.nextSibling) {
    if (only.data !== text) only.data = text;
  } else if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string} value */
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** @param {HTMLElement} node @param {boolean} hidden */
export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

const places = new WeakMap();

// Not in the document at all, or back in its place: for what must not be found, whoever looks for it.
/** @param {HTMLElement} node @param {boolean} absent */
export function setAbsent(node, absent) {
  const place = places.get(node);
  if (absent === Boolean(place)) return;
  if (absent) {
    leave(node);
    const mark = document.createComment("");
    places.set(node, mark);
    node.replaceWith(mark);
  } else {
    place.replaceWith(node);
    places.delete(node);
  }
}

/** @template {HTMLElement} T @param {T} node @param {string} label @returns {T} */
export function labelled(node, label) {
  node.setAttribute("aria-label", label);
  return node;
}

// "light" or "dark": what pictures are drawn for that a style sheet does not reach.
/** @param {Element} node */
export const modeOf = (node) => /** @type {Mode} */ (stageOf(node).dataset.mode);

/** @param {Element} node @returns {HTMLElement} */
export const stageOf = (node) => /** @type {HTMLElement} */ (node.closest(".thplab-stage"));

// The focus must not stay in what is about to be hidden.
/** @param {Element} node */
export function leave(node) {
  if (node.contains(document.activeElement)) stageOf(node)?.focus();
}

// Put the focus on it, and bring it into view if there is little of it to be seen. Reads the layout.
/** @param {HTMLElement} node */
export function giveFocus(node) {
  const { top, bottom, height } = node.getBoundingClientRect();
  const seen = Math.min(bottom, window.innerHeight) - Math.max(top, 0);
  node.focus({ preventScroll: seen > Math.min(height, window.innerHeight) / 2 });
}

export const paper = matchMedia("print"); // is this for a printer?

// Is something of it on the screen? On paper all is. Reads the layout.
/** @param {Element} node */
export function inSight(node) {
  if (paper.matches) return true;
  const { left, right, top, bottom } = node.getBoundingClientRect();
  return right > 0 && bottom > 0 && left < window.innerWidth && top < window.innerHeight;
}

/** @template {HTMLElement} T @param {T} node @param {string} role @param {string} label @returns {T} */
export function named(node, role, label) {
  node.setAttribute("role", role);
  node.setAttribute("aria-label", label);
  return node;
}

// A scrolling region that the keyboard can reach.
/** @param {"div" | "pre"} tag @param {string} className @param {string} label */
export function scroller(tag, className, label) {
  const node = labelled(el(tag, className), label);
  node.tabIndex = 0;
  node.setAttribute("role", "region");
  return node;
}

/**
 * @param {string} className @param {string} label @param {() => unknown} press @param {...(Node | string)} children
 */
export function button(className, label, press, ...children) {
  const node = labelled(el("button", className, ...children), label);
  node.type = "button";
  node.title = label;
  node.addEventListener("click", press);
  return node;
}

// Lists that grow and shrink: item number i is made once and updated afterwards.
/**
 * @template T
 * @param {HTMLElement} list @param {T[]} rows
 * @param {(i: number) => HTMLElement} make @param {(item: any, row: T, i: number) => void} update
 */
export function updateList(list, rows, make, update) {
  while (list.children.length > rows.length) list.lastChild?.remove();
  rows.forEach((row, i) => {
    if (!list.children[i]) list.append(make(i));
    update(list.children[i], row, i);
  });
}

/** @param {HTMLCanvasElement} canvas */
export const penOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
