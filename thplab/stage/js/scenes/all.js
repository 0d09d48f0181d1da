// The scenes by their names.

import { collapseScene } from "./collapse.js";
import { faultScene } from "./fault.js";

/** @import { SceneModule } from "../types.js" */

/** @type {Record<string, SceneModule>} */
export const PICTURES = { collapse: collapseScene, fault: faultScene };
