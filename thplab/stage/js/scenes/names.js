// How the scenes call a size and a process.

/** @import { Reader } from "../types.js" */

/** @type {[unit: string, shift: bigint][]} */
const UNITS = [["GiB", 30n], ["MiB", 20n], ["KiB", 10n]]; // biome-ignore format: a table

// Bytes in the largest unit of which it has one; at most one digit behind the point.
/** @param {bigint} bytes */
export function sizeWords(bytes) {
  const [unit, shift] = UNITS.find(([, each]) => bytes >= 1n << each) ?? UNITS[UNITS.length - 1];
  return `${Number((Number(bytes >> (shift - 10n)) / 1024).toFixed(1))} ${unit}`;
}

/** @type {WeakMap<Reader, Set<string>>} */
const processes = new WeakMap();

// A task in words: "process a", or the daemon by its own name.
/** @param {Reader} reader @param {string} comm */
export function taskWords(reader, comm) {
  const known =
    processes.get(reader) ??
    new Set(reader.header.objects.filter(({ type }) => type === "Mm").map(({ label }) => label));
  processes.set(reader, known);
  return known.has(comm) ? `process ${comm}` : comm;
}
