// What several parts ask of a moment is worked out once.

export function once(read) {
  const known = new WeakMap();
  return (moment) => {
    if (!known.has(moment)) known.set(moment, read(moment));
    return known.get(moment);
  };
}
