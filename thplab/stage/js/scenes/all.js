// The scenes by their names.

import { collapseScene } from "./collapse.js";
import { compactionScene } from "./compaction.js";
import { faultScene } from "./fault.js";
import { passScene } from "./pass.js";
import { processScene } from "./process.js";
import { windowScene } from "./window.js";

/** @import { SceneModule } from "../types.js" */

/** @type {Record<string, SceneModule>} */
export const PICTURES = {
  collapse: collapseScene,
  compaction: compactionScene,
  fault: faultScene,
  pass: passScene,
  process: processScene,
  window: windowScene,
};
