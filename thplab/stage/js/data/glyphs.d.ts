// build.py makes the module from glyphs.json.
import type { Glyph } from "../types.js";
export const GLYPHS: Glyph[];
