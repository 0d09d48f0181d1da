// The words of a text that have a meaning, and what they mean: terms of the glossary, names of the kernel, and
// names of the recording.

import { ANYWHERE, IN_PLACE } from "./kernel_words.js";
import { TERMS } from "./terms.js";

/** @import { Meaning, Reader } from "../types.js" */

/** @type {Map<string, Meaning>} */
const byName = new Map();
for (const [term, meaning, names] of TERMS) for (const name of names) byName.set(name, [term, meaning]);

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/ /g, "[ _]");

// The longest names first, so that "page table" is not read as "page". A kernel thread has a number: kcompactd0-36.
const names = [...byName.keys()].sort((a, b) => b.length - a.length).map(escaped);
const ANY = new RegExp(`(?<![\\w-])(?:${names.join("|")})(?:e?s|\\d)?(?:-\\d+)?(?![\\w-])`, "gi");

// What is an ordinary word elsewhere means something of its own in these places.
const BITS = Object.keys(IN_PLACE.bit).join("|");
/** @type {[kind: string, place: RegExp][]} */
const PLACES = [
  ["page flag", /(?<=mapcount -?\d+, )[a-z_ ]+/g],
  ["bit", new RegExp(`(?<=0x[0-9a-f]+ )(?:(?:${BITS})\\b ?)+|^(?:${BITS})(?: (?:${BITS}))+$`, "gm")],
  ["mapping flag", /(?<=0x[0-9a-f]+ to 0x[0-9a-f]+, )[a-z -]+/g],
  ["field", /\w+(?==)/g],
  ["result", /(?<=(?:status|result|ret)=)\w+/g],
  ["knob", /^(?:enabled|defrag)$|(?:enabled|defrag)(?= ?=? ?(?:always|defer|madvise|never))/gm],
];

/** @param {string} word @returns {Meaning | undefined} */
function termOf(word) {
  const written = word.toLowerCase().replace(/-\d+$/, "");
  const low = byName.has(written) ? written : written.replace(/_/g, " "); // a name of the kernel: mmap_lock
  return byName.get(low) ?? byName.get(low.replace(/[s\d]$/, "")) ?? byName.get(low.replace(/es$/, ""));
}

// The first line of a function's docstring, "" without one. `line` is that of its head.
/** @param {string[]} source @param {number} line */
function docOf(source, line) {
  for (const each of source.slice(line)) {
    if (/^\s*(?:def|class) /.test(each)) return "";
    const [, says] = each.match(/^\s*"""(.*)$/) ?? [];
    if (says) return says.replaceAll('"""', "").replaceAll("``", "").trim();
  }
  return "";
}

/** @type {WeakMap<Reader, Map<string, Meaning>>} */
const ofReaders = new WeakMap();

// Each function of a recording: where the kernel has it and, if its source is in the recording, what it does.
/** @param {Reader} reader @returns {Map<string, Meaning>} */
export function functionsOf(reader) {
  const known = ofReaders.get(reader);
  if (known) return known;
  const { functions, labels, sources } = reader.header;
  const linesOf = new Map(sources.map(({ file, text }) => [file, text.split("\n")]));
  const told = new Map();
  for (const name of new Set(labels.flat().map(([name]) => name)))
    told.set(name, [name, "a function of this kernel"]);
  for (const { name, file, line, kernel_file: kernelFile } of functions) {
    const does = docOf(linesOf.get(file) ?? [], line);
    const where = kernelFile ? `a function of ${kernelFile}` : "a function of the model";
    told.set(name, [name, does ? `${where}: ${does}` : where]);
  }
  ofReaders.set(reader, told);
  return told;
}

// Each word of a text that has a meaning.
/** @param {string} text @param {Map<string, Meaning>} [own] names of the recording @returns {Map<string, Meaning>} */
export function wordsIn(text, own) {
  const found = new Map();
  for (const [kind, place] of PLACES)
    for (const [words] of text.matchAll(place))
      for (const word of words.split(" "))
        if (Object.hasOwn(IN_PLACE[kind], word)) found.set(word, [word, `${kind}, ${IN_PLACE[kind][word]}`]);
  for (const [word] of text.matchAll(/\w+/g)) {
    if (found.has(word)) continue;
    if (own?.has(word)) found.set(word, own.get(word));
    else if (Object.hasOwn(ANYWHERE, word)) found.set(word, [word, ANYWHERE[word]]);
  }
  for (const [word] of text.matchAll(ANY)) {
    const known = termOf(word);
    if (known && !found.has(word)) found.set(word, known);
  }
  return found;
}

// Each meaning once: [term, meaning].
/** @param {string} text @param {Map<string, Meaning>} [own] */
export const termsIn = (text, own) => [
  ...new Map([...wordsIn(text, own).values()].map((each) => [each[0], each])).values(),
];
