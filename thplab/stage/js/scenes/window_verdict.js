// What a scan has decided: no veto so far, the first veto with its reason, or the yes.

import { path, rect, words } from "./marks.js";

/** @import { Mark, ScanState, Values } from "../types.js" */

// Why a window is refused, in two lines.
/** @type {Record<string, (v: Values) => [string, string]>} */
const REASONS = {
  in_memory: (v) => [`${v.unmapped} swapped out, ${v.max_swap} allowed`, `entry ${v.entry} is one too many`],
  not_empty: (v) =>
    Number(v.none) > Number(v.max_none)
      ? [`${v.none} empty, ${v.max_none} allowed`, `entry ${v.entry} is one too many`]
      : ["a hole, and none is allowed", "userfaultfd would not see it filled"],
  unwatched: (v) => [`entry ${v.entry} is watched`, "userfaultfd has write-protected it"],
  anonymous: (v) => [`entry ${v.entry} is a file's page`, "only anonymous ones are collapsed here"],
  wanted: (v) => [`entry ${v.entry} was given up`, "by MADV_FREE, and not written since"],
  unshared: (v) => [`${v.shared} shared, ${v.max_shared} allowed`, `entry ${v.entry} is one too many`],
  listed: (v) => [`entry ${v.entry} is off its list`, "another task has isolated the page"],
  unlocked: (v) => [`entry ${v.entry} is locked`, "another task is at work on the page"],
  unheld: (v) => [`entry ${v.entry} is pinned`, `${v.held} references, ${v.expected} expected`],
  writable: () => ["no page is writable", "this kernel wants one"],
  enough: (v) => [
    `${v.referenced} used lately, ${v.need} needed`,
    Number(v.unmapped) ? "half, because of what is swapped out" : "what no task uses is not worth it",
  ],
};
const NO_TABLE = {
  leaf: ["huge already", "there is no table of small pages"],
  other: ["nothing is mapped", "there is no table to read"],
};

/** @param {ScanState} scan @param {string} pmd @returns {{ cls: string, sign: string, big: string, strong: string, small: string }} */
function decision(scan, pmd) {
  const { verdict, veto, done, counts, bound } = scan;
  if (!verdict)
    return {
      cls: "",
      sign: "",
      big: "no veto so far",
      strong: "",
      small: "the first broken rule decides, not the worst",
    };
  if (veto === "table") {
    const [strong, small] = pmd === "leaf" ? NO_TABLE.leaf : NO_TABLE.other;
    return { cls: "", sign: "", big: "nothing to read", strong, small };
  }
  if (veto) {
    const [strong, small] = REASONS[veto](counts);
    return { cls: " sc-w-refused", sign: "✗", big: "refused", strong, small };
  }
  const ends = done ? String(done.values.result) : "";
  if (ends && ends !== "succeeded")
    return {
      cls: "",
      sign: "✗",
      big: "accepted, not collapsed",
      strong: `it ended with '${ends}'`,
      small: "the small pages stay",
    };
  if (ends)
    return {
      cls: " sc-w-yes",
      sign: "✓",
      big: "accepted, and collapsed",
      strong: "one huge page",
      small: "in place of the small ones",
    };
  return {
    cls: " sc-w-yes",
    sign: "✓",
    big: "yes: collapse it",
    strong: "no entry speaks against it",
    small: bound ? "every count is within its limit" : "no limit binds MADV_COLLAPSE",
  };
}

/** @param {ScanState} scan @param {string} pmd @param {number} x @param {number} y @param {number} width @param {number} height @returns {Mark[]} */
export function decided(scan, pmd, x, y, width, height) {
  const { cls, sign, big, strong, small } = decision(scan, pmd);
  const left = x + (sign ? 56 : 14);
  const marks = [rect("verdict", x, y, width, height, `sc-w-verdict${cls}`, 7)];
  if (sign === "✗")
    marks.push(path("sign", `M${x + 16} ${y + height / 2 - 12}l24 24m0 -24l-24 24`, "sc-w-sign-no"));
  if (sign === "✓") marks.push(path("sign", `M${x + 15} ${y + height / 2}l10 11l17 -24`, "sc-w-sign-yes"));
  const lines = [big, strong, small].filter(Boolean);
  const top = y + height / 2 - lines.length * 10 + 15;
  lines.forEach((line, i) => {
    const look = line === big ? "sc-big" : line === strong ? "sc-strongtext" : "sc-small";
    marks.push(words(`verdict-${i}`, left, top + i * 20, line, look));
  });
  return marks;
}
