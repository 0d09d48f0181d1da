// What each box made of ipywidgets has: it looks after their keys, and while no kernel runs behind them one line says
// how to go on.

import { helpWithCode } from "./controls/code_box.js";
import { guardKeys } from "./controls/guard.js";
import { el } from "./draw/dom.js";

/** @import { Kernel } from "./types.js" */

/** @param {{ model: any, el: HTMLElement, kernel: Kernel }} param0 */
export function goOn({ model, el: host, kernel }) {
  guardKeys();
  helpWithCode();
  const line = el("p", "thplab-stage-go-on");
  line.setAttribute("role", "status");
  host.replaceChildren(line);
  // The box that this stands in shows that its buttons do nothing.
  const mark = () => host.parentElement?.classList.toggle("thplab-stage-asleep", !kernel.answers());
  const update = () => {
    line.textContent = kernel.answers() ? "" : model.get("says");
    host.style.display = line.textContent ? "" : "none";
    mark();
  };
  update();
  const placed = new ResizeObserver(mark); // it is put into its box later than it is made
  placed.observe(host);
  const stop = kernel.listen(update);
  const follow = { "change:says": update, "change:count": kernel.touch };
  for (const [event, listener] of Object.entries(follow)) model.on(event, listener);
  return () => {
    stop();
    placed.disconnect();
    for (const [event, listener] of Object.entries(follow)) model.off(event, listener);
  };
}
