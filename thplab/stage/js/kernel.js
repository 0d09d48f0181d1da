// Does Python answer? Widgets that a notebook's file brought back have no kernel behind them.

/** @import { Kernel } from "./types.js" */

/** @type {WeakMap<object, string | undefined>} */
const born = new WeakMap();

// `shared`: the model that all our widgets of one kernel refer to. A restarted kernel keeps its id and the model is no
// longer live; another kernel has another id.
/** @param {any} shared @returns {Kernel} */
export function kernelOf(shared) {
  const manager = shared.widget_manager;
  const session = manager.context?.sessionContext; // JupyterLab, Notebook 7
  if (!born.has(shared)) born.set(shared, manager.kernel?.id);
  const answers = () => Boolean(shared.comm_live) && (!session || manager.kernel?.id === born.get(shared));
  return {
    answers,
    listen(changed) {
      shared.on("comm_live_update", changed);
      session?.kernelChanged.connect(changed);
      return () => {
        shared.off("comm_live_update", changed);
        session?.kernelChanged.disconnect(changed);
      };
    },
    touch() {
      if (manager.context && answers()) manager.context.model.dirty = true;
    },
  };
}
