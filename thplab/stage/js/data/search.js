// Binary search in ascending lists.

// Index of the first item greater than the value; the list's length if there is none.
export function firstAbove(list, value, low = 0, high = list.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
