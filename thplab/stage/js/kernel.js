// Does Python answer? Widgets that a notebook's file brought back have no kernel behind them.

/** @import { Kernel } from "./types.js" */

// What a kernel is called, and whether it has ended since.
/** @type {WeakMap<object, { id: string | undefined, gone: boolean }>} */
const born = new WeakMap();
const ENDED = ["restarting", "autorestarting", "terminating", "dead"];

// `shared`: the model that all our widgets of one kernel refer to. A kernel that is restarted keeps its id, and the model is
// no longer live; of one that died and was started again, only its status says so. Another kernel has another id.
/** @param {any} shared @returns {Kernel} */
export function kernelOf(shared) {
  const manager = shared.widget_manager;
  const session = manager.context?.sessionContext; // JupyterLab, Notebook 7
  const kernel = born.get(shared) ?? { id: manager.kernel?.id, gone: false };
  if (!born.has(shared)) {
    born.set(shared, kernel);
    session?.statusChanged.connect((/** @type {unknown} */ _, /** @type {string} */ status) => {
      kernel.gone ||= ENDED.includes(status);
    });
  }
  const answers = () =>
    Boolean(shared.comm_live) && !kernel.gone && (!session || manager.kernel?.id === kernel.id);
  return {
    answers,
    listen(changed) {
      shared.on("comm_live_update", changed);
      session?.kernelChanged.connect(changed);
      session?.statusChanged.connect(changed);
      return () => {
        shared.off("comm_live_update", changed);
        session?.kernelChanged.disconnect(changed);
        session?.statusChanged.disconnect(changed);
      };
    },
    touch() {
      if (manager.context && answers()) manager.context.model.dirty = true;
    },
  };
}
