// Equal neighbours of a list, counted: "100x a; 412x b".

export function runLengths(words) {
  const parts = [];
  for (let from = 0, i = 1; i <= words.length; i++) {
    if (i < words.length && words[i] === words[from]) continue;
    parts.push(`${i - from}x ${words[from]}`);
    from = i;
  }
  return parts.join("; ");
}
