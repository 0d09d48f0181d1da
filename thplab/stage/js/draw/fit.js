// The views beside the window are to be as high as it is, without scrolling: their type becomes a little smaller
// where they need it, then the stage higher, unless its height is given. It stays so until other views are
// open or the stage has another size, so that stepping moves nothing.

import { stageOf } from "./dom.js";

/** @import { Stage } from "../types.js" */

const SIZES = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7];

/** @param {Stage} stage @param {HTMLElement} main @param {HTMLElement} below */
export function makeFit(stage, main, below) {
  let known = "";
  let size = 0;
  const reset = () => {
    size = 0;
    below.style.fontSize = below.style.minHeight = "";
  };
  const lookOf = () => {
    const { presenting, open } = stage;
    const root = stageOf(below);
    const place = [root.clientWidth, window.innerHeight, root.style.height];
    return [...place, presenting.on, open.spotlight, ...open.names].join();
  };
  // Reads the layout if something is beside the picture: call it after all writing.
  return () => {
    const now = main.parentElement?.hasAttribute("data-beside") ? lookOf() : "";
    if (now !== known) reset();
    known = now;
    if (!now) return;
    const over = () => below.scrollHeight > below.clientHeight + 1;
    while (size < SIZES.length - 1 && over()) below.style.fontSize = `max(13px, ${SIZES[++size]}em)`;
    if (over() && !stage.presenting.on && !stageOf(below).style.height)
      below.style.minHeight = `${below.scrollHeight}px`;
  };
}
