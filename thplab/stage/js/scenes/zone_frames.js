// What each frame of a zone is to compaction: free, to be moved, moved here, or not to be moved.

/** @import { Compaction, ObjectInfo, Reader, ZoneFrames } from "../types.js" */

const MOST_BLOCKS = 32; // of more it is not shown which page was moved
export const FRAMES = { free: 0, movable: 1, moved: 2, pinned: 3, fixed: 4, huge: 5 };

/** @param {Reader} reader @param {ObjectInfo} zone @param {Compaction | undefined} run @returns {ZoneFrames} */
export function zoneFrames(reader, zone, run) {
  const { machine } = reader;
  const start = machine.value(zone, "zone_start_pfn");
  const size = 2 ** machine.value(machine.memMap, "pageblock_order");
  const found = {
    name: machine.value(zone, "name"),
    first: start - machine.startPfn,
    size,
    skew: start % size,
    kinds: new Uint8Array(machine.value(zone, "spanned_pages")),
    ofKind: Object.values(FRAMES).map(() => /** @type {number[]} */ ([])),
    free: /** @type {number[]} */ ([]),
    whole: /** @type {boolean[]} */ ([]),
  };
  const blocks = Math.ceil((found.kinds.length + found.skew) / size);
  found.free = Array(blocks).fill(0);
  found.whole = Array(blocks).fill(false);
  fillKinds(reader, found);
  if (run && blocks <= MOST_BLOCKS) {
    const before = usedAtBegin(reader, run, found);
    found.kinds.forEach((kind, i) => {
      if (kind !== FRAMES.free && kind !== FRAMES.huge && !before[i]) found.kinds[i] = FRAMES.moved;
    });
  }
  found.kinds.forEach((kind, i) => {
    found.ofKind[kind].push(i);
  });
  return found;
}

// Of each frame whether it was in use when the run began: what is used now and was free then was moved here.
/** @param {Reader} reader @param {Compaction} run @param {ZoneFrames} zone */
function usedAtBegin({ machine, timeline }, run, { first, kinds }) {
  if (!run.usedAtBegin) {
    const [flags, references] = ["flags", "refcount"].map(
      (name) => timeline.cellsAt(machine.frameCell(name, first), kinds.length, run.begin.moment).lo,
    );
    run.usedAtBegin = Uint8Array.from(kinds, (_, i) =>
      references[i] || flags[i] & machine.flag.tail ? 1 : 0,
    );
  }
  return run.usedAtBegin;
}

/** @param {Reader} reader @param {ZoneFrames} zone */
function fillKinds({ machine }, { first, size, skew, kinds, free, whole }) {
  const { now, flag } = machine;
  const [flags, orders, references] = ["flags", "order", "refcount"].map((name) =>
    machine.frameCell(name, first),
  );
  for (let i = 0; i < kinds.length; i++) {
    const own = now.lo[flags + i];
    if (own & flag.buddy) {
      const end = Math.min(i + 2 ** now.lo[orders + i], kinds.length);
      for (; i < end; i++) {
        free[Math.floor((i + skew) / size)]++;
        if (end - i >= size && (i + skew) % size === 0) whole[(i + skew) / size] = true;
      }
      i--;
    } else if (!now.lo[references + i] && !(own & flag.tail)) free[Math.floor((i + skew) / size)]++;
    else kinds[i] = usedKind(machine, first + i, size);
  }
}

/** @param {Reader["machine"]} machine @param {number} page @param {number} size */
function usedKind(machine, page, size) {
  const { flag } = machine;
  const folio = machine.frame("compound_head", page);
  const flags = machine.frame("flags", folio);
  if (flags & flag.head) return 2 ** machine.frame("order", folio) >= size ? FRAMES.huge : FRAMES.fixed;
  if (flags & flag.isolated) return FRAMES.movable;
  if (!(flags & flag.lru)) return FRAMES.fixed;
  if (!(flags & flag.anon)) return flags & flag.swapbacked ? FRAMES.fixed : FRAMES.movable;
  // More references than mappings: somebody holds the frame itself.
  const held = machine.frame("refcount", page) > machine.frame("mapcount", page);
  if (!held) return FRAMES.movable;
  return flags & flag.swapcache ? FRAMES.fixed : FRAMES.pinned;
}
