// The four counts of a scan, each as a bar with its limit.

import { path, rect, words } from "./marks.js";

/** @import { Mark, ScanState } from "../types.js" */

export const GAUGES = [
  { name: "none", words: "empty", limit: "max_none", knob: "max_ptes_none" },
  { name: "unmapped", words: "swapped out", limit: "max_swap", knob: "max_ptes_swap" },
  { name: "shared", words: "shared", limit: "max_shared", knob: "max_ptes_shared" },
  { name: "referenced", words: "used lately", limit: "", knob: "" },
];

/** @typedef {typeof GAUGES[number]} Gauge */

// The bar of a count from none to all entries, and its limit.
/** @param {ScanState} scan @param {Gauge} gauge @param {number} x @param {number} y @param {number} w @param {number} h @returns {Mark[]} */
function bar(scan, { name, limit }, x, y, w, h) {
  const entries = Number(scan.begin.entries);
  const { count, most } = numbersOf(scan, name, limit);
  const over = limit ? scan.bound && count > most : scan.veto === "enough";
  const at = x + Math.max(1.5, (Math.min(most, entries) / entries) * w);
  const marks = [
    rect(`g-all-${name}`, x, y, w, h, "sc-band", 3),
    rect(`g-bar-${name}`, x, y, (count / entries) * w, h, `sc-w-of-${name}${over ? " sc-w-over" : ""}`, 3),
  ];
  if (limit || scan.bound)
    marks.push(
      path(
        `g-line-${name}`,
        `M${at} ${y - 4}v${h + 8}`,
        scan.bound ? "sc-w-limit" : "sc-w-limit sc-w-unbound",
      ),
    );
  return marks;
}

// A count, and the most or the least that it may be.
/** @param {ScanState} scan @param {string} name @param {string} limit */
export function numbersOf(scan, name, limit) {
  return { count: Number(scan.counts[name] ?? 0), most: limit ? Number(scan.begin[limit]) : scan.need };
}

/** @param {ScanState} scan @param {Gauge} gauge @param {number} x @param {number} y @param {number} w @returns {Mark[]} */
export function gaugeOf(scan, gauge, x, y, w) {
  const { name, limit, knob } = gauge;
  const { count, most } = numbersOf(scan, name, limit);
  const bound = limit ? `at most ${most} (${knob})` : `at least ${most}`;
  const free = limit ? `${knob} doesn't bind` : "not asked";
  const end = x + (count / Number(scan.begin.entries)) * w;
  const inside = end - x > 60;
  const look = inside ? "sc-end sc-w-count sc-w-onbar" : "sc-w-count";
  return [
    words(`g-${name}`, x, y + 12, gauge.words, "sc-strongtext"),
    words(`g-rule-${name}`, x + w, y + 12, scan.bound ? bound : free, "sc-end sc-small sc-quiettext"),
    ...bar(scan, gauge, x, y + 19, w, 18),
    words(`g-n-${name}`, inside ? end - 7 : end + 7, y + 34, limit || scan.bound ? String(count) : "–", look),
  ];
}

// The same in one row.
/** @param {ScanState} scan @param {Gauge} gauge @param {number} x @param {number} y @param {number} w @returns {Mark[]} */
export function shortGauge(scan, gauge, x, y, w) {
  const { count, most } = numbersOf(scan, gauge.name, gauge.limit);
  const rule = scan.bound ? `at ${gauge.limit ? "most" : "least"} ${most}` : "no limit";
  return [
    words(`g-${gauge.name}`, x, y + 14, gauge.words, "sc-small sc-strongtext"),
    ...bar(scan, gauge, x + 96, y + 3, w - 96 - 128, 13),
    words(
      `g-rule-${gauge.name}`,
      x + w,
      y + 14,
      gauge.limit || scan.bound ? `${count}, ${rule}` : "not asked",
      "sc-end sc-small",
    ),
  ];
}
