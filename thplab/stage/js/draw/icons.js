// Icons as paths, so that no font is needed and no platform turns them into emoji.

import { setAttribute } from "./dom.js";
/** @import { IconName } from "../types.js" */
export const PATHS = {
  start: "M3 3h2v10H3zM13 3v10L6 8z",
  end: "M11 3h2v10h-2zM3 3v10l7-5z",
  back: "M11 3v10L4 8z",
  step: "M5 3v10l7-5z",
  play: "M4 2.5v11L13 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  over: "M2 10a6 6 0 0 1 11-2l1.5-1.2V12H9.300l1.800-1.600A4 4 0 0 0 4 10zM7 12h2v2H7z",
  out: "M7 14V7H4l4-5 4 5H9v7z",
  find: "M6.500 2a4.500 4.500 0 1 0 2.700 8.100L13 14l1.200-1.200L10.300 9A4.500 4.500 0 0 0 6.500 2zm0 1.700a2.800 2.800 0 1 1 0 5.600 2.800 2.800 0 0 1 0-5.600z",
  mark: "M4 2h8v12l-4-3.200L4 14z",
  fork: "M3 2h2v4l6 4v-2l4 3-4 3v-2L5 8.500V14H3zM11 2l4 3-4 3V6H9.500L8 7 6.300 5.900 8.800 4H11z",
  full: "M2 2h5v2H4v3H2zM9 2h5v5h-2V4H9zM2 9h2v3h3v2H2zM12 9h2v5H9v-2h3z",
};

const EMPTY = '<svg viewBox="0 0 16 16" aria-hidden="true"><path></path></svg>';

/** @param {IconName} name */
export function icon(name) {
  const svg = document.adoptNode(new DOMParser().parseFromString(EMPTY, "text/html").body.children[0]);
  setIcon(svg, name);
  return svg;
}

/** @param {Element} svg @param {IconName} name */
export function setIcon(svg, name) {
  setAttribute(svg.children[0], "d", PATHS[name]);
}

// An element of a drawing; its namespace is that of the parsed one, so that no address stands in this file.
/** @param {string} tag @param {string} className */
export function shape(tag, className) {
  const node = /** @type {SVGElement} */ (document.createElementNS(icon("play").namespaceURI, tag));
  if (className) node.setAttribute("class", className);
  return node;
}
