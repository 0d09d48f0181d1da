// build.py makes the module from views.json and the modules of its rows.
import type { ViewModule, ViewRow } from "../types.js";
export const VIEWS: (ViewRow & ViewModule)[];
export const TEXT: ViewRow;
