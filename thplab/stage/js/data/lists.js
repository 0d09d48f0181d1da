// Ascending lists, searched by halves; and runs of equal neighbours.

// Index of the first item greater than the value; the list's length if there is none.
/** @param {ArrayLike<number>} list @param {number} value @returns {number} */
export function firstAbove(list, value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

// The item after, and before, a value; the value itself if there is none.
/** @param {ArrayLike<number>} list @param {number} value */
export const above = (list, value) => list[firstAbove(list, value)] ?? value;
/** @param {ArrayLike<number>} list @param {number} value */
export const below = (list, value) => list[firstAbove(list, value - 1) - 1] ?? value;

// Equal neighbours, counted: "100x a; 412x b".
/** @param {ArrayLike<unknown>} words */
export function runLengths(words) {
  const parts = [];
  for (let from = 0, i = 1; i <= words.length; i++) {
    if (i < words.length && words[i] === words[from]) continue;
    parts.push(`${i - from}x ${words[from]}`);
    from = i;
  }
  return parts.join("; ");
}
