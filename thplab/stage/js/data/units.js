// Numbers of counters and knobs with their units: the twin of with_unit in thplab/reading/kernel_words.py.

import { SWITCH, SYMBOLS, UNITS } from "./kernel_words.js";

// "3 pages", "1 (on)"; a word as it is. `khugepaged/full_scans` and `rss of app` are known by their own words.
/** @param {string} name @param {number | string} value */
export function withUnit(name, value) {
  const unit = UNITS[name.slice(name.lastIndexOf("/") + 1).split(" ")[0]];
  if (unit === SWITCH) return `${value} (${value === 0 ? "off" : "on"})`;
  if (!unit || typeof value !== "number") return String(value);
  return `${value} ${unit}${value === 1 || SYMBOLS.includes(unit) ? "" : "s"}`;
}
