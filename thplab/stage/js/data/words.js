// The terms of the glossary that a text uses, and what they mean.

import { TERMS } from "./terms.js";

/** @type {Map<string, [term: string, meaning: string]>} */
const byName = new Map();
for (const [term, meaning, names] of TERMS) for (const name of names) byName.set(name, [term, meaning]);

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/ /g, "[ _]");

// The longest names first, so that "page table" is not read as "page".
const names = [...byName.keys()].sort((a, b) => b.length - a.length).map(escaped);
const ANY = new RegExp(`(?<![\\w-])(?:${names.join("|")})(?:e?s)?(?![\\w-])`, "gi");

/** @param {string} word */
function meaningOf(word) {
  const written = word.toLowerCase();
  const low = byName.has(written) ? written : written.replace(/_/g, " "); // a name of the kernel: mmap_lock
  return byName.get(low) ?? byName.get(low.replace(/s$/, "")) ?? byName.get(low.replace(/es$/, ""));
}

// Each term of a text once: [term, meaning].
/** @param {string} text @returns {[term: string, meaning: string][]} */
export function termsIn(text) {
  const found = new Map();
  for (const [word] of text.matchAll(ANY)) {
    const known = meaningOf(word);
    if (known) found.set(known[0], known);
  }
  return [...found.values()];
}
