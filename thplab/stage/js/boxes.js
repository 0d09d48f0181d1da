// What boxes made of ipywidgets need of the stage: an element without a picture that looks after the keys.

import { helpWithCode } from "./controls/code_box.js";
import { guardKeys } from "./controls/guard.js";

/** @param {{ el: HTMLElement }} param0 */
function render({ el }) {
  el.style.display = "none";
  guardKeys();
  helpWithCode();
}

export default { render };
