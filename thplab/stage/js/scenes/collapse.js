// The collapse: old frames on the left, the new block on the right, the PMD entry between them.

import { lanesOf } from "../data/lane_data.js";
import { PHASES, readCollapse } from "./collapses.js";
import { path, rect, rings, squares, words } from "./marks.js";

/** @import { CollapseState, Mark, Moment, SceneModule } from "../types.js" */

const CELL = 9;
const WIDE = 32; // cells in a row
const SHADES = 8;
const MOST_ROWS = 28;

/** @param {number} entry @param {number} entries */
const shadeOf = (entry, entries) => Math.min(SHADES - 1, Math.floor((entry * SHADES) / entries));

/** @typedef {[x: number, y: number]} Place */

// Where the frames stand: rows of 32 neighbours that hold a page of the window, in the order of memory.
/** @param {number[]} old */
function placesOf(old) {
  const rows = [...new Set(old.filter((page) => page >= 0).map((page) => Math.floor(page / WIDE)))].sort(
    (a, b) => a - b,
  );
  if (rows.length <= MOST_ROWS) {
    const rowOf = new Map(rows.map((row, i) => [row, i]));
    return {
      rows,
      packed: false,
      at: (/** @type {number} */ page) =>
        /** @type {Place} */ ([(page % WIDE) * CELL, (rowOf.get(Math.floor(page / WIDE)) ?? 0) * CELL]),
    };
  }
  const order = new Map(
    [...old]
      .filter((page) => page >= 0)
      .sort((a, b) => a - b)
      .map((page, i) => [page, i]),
  );
  return {
    rows: Array.from({ length: Math.ceil(order.size / WIDE) }, (_, i) => i),
    packed: true,
    at: (/** @type {number} */ page) =>
      /** @type {Place} */ ([
        ((order.get(page) ?? 0) % WIDE) * CELL,
        Math.floor((order.get(page) ?? 0) / WIDE) * CELL,
      ]),
  };
}

// The old frames: filled, with an edge while locked, hollow once copied, a dot once free.
/** @param {Moment} moment @param {CollapseState} state @param {number} x @param {number} y @returns {Mark[]} */
function oldFrames(moment, state, x, y) {
  const { machine } = moment.reader;
  const places = placesOf(state.old);
  const groups = /** @type {Map<string, Place[]>} */ (new Map());
  /** @param {string} name @param {Place} place */
  const put = (name, [px, py]) => {
    const list = groups.get(name) ?? [];
    groups.set(name, list);
    list.push([x + px, y + py]);
  };
  const mine = new Set(state.old);
  if (!places.packed) {
    for (const row of places.rows) {
      for (let i = 0; i < WIDE; i++) {
        const page = row * WIDE + i;
        if (!mine.has(page) && page < machine.frames)
          put(machine.isFree(page) ? "free" : "other", places.at(page));
      }
    }
  }
  state.old.forEach((page, entry) => {
    if (page < 0) return;
    const shade = shadeOf(entry, state.old.length);
    if (machine.isFree(page)) put("free", places.at(page));
    else if (entry < state.copied) put("copied", places.at(page));
    else put(`s${shade}`, places.at(page));
    if (machine.isLocked(page)) put("locked", places.at(page));
  });
  const marks = [
    rect("old", x - 4, y - 4, WIDE * CELL + 8, Math.max(1, places.rows.length) * CELL + 8, "sc-paper", 3),
  ];
  for (const [name, list] of groups) {
    if (name === "free")
      marks.push(
        rings(
          "old-free",
          list.map(([px, py]) => [px + 4, py + 4]),
          1,
          "sc-dot",
        ),
      );
    else if (name === "locked") marks.push(squares("old-locked", list, CELL - 2, "sc-edge"));
    else marks.push(squares(`old-${name}`, list, CELL - 2, `sc-cell sc-${name}`));
  }
  return marks;
}

// The new block: what is copied in the shade of its entry, a ring for a hole, a dot for what is not filled yet.
/** @param {CollapseState} state @param {number} x @param {number} y @returns {Mark[]} */
function newBlock(state, x, y) {
  const entries = state.old.length;
  const rows = Math.ceil(entries / WIDE);
  const frame =
    state.done >= 7 ? "sc-leaf" : state.block < 0 || state.failed ? "sc-ghost" : "sc-paper sc-strong";
  const marks = [rect("new", x - 4, y - 4, WIDE * CELL + 8, rows * CELL + 8, frame, 3)];
  if (state.block < 0 || state.failed) return marks;
  const shades = /** @type {Place[][]} */ (Array.from({ length: SHADES }, () => []));
  const zeros = /** @type {Place[]} */ ([]);
  const waiting = /** @type {Place[]} */ ([]);
  for (let entry = 0; entry < entries; entry++) {
    const place = /** @type {Place} */ ([x + (entry % WIDE) * CELL, y + Math.floor(entry / WIDE) * CELL]);
    if (entry >= state.copied) waiting.push([place[0] + 3.5, place[1] + 3.5]);
    else if (state.old[entry] < 0) zeros.push([place[0] + 3.5, place[1] + 3.5]);
    else shades[shadeOf(entry, entries)].push(place);
  }
  for (const [i, list] of shades.entries())
    if (list.length) marks.push(squares(`new-s${i}`, list, CELL - 2, `sc-cell sc-s${i}`));
  if (zeros.length) marks.push(rings("new-zero", zeros, 2.6, "sc-zero"));
  if (waiting.length) marks.push(rings("new-wait", waiting, 0.8, "sc-dot"));
  return marks;
}

const PMD = {
  table: ["a table", "leads to the small pages"],
  fenced: ["empty", "nobody new gets in"],
  leaf: ["one huge page", "leads to the new block"],
  empty: ["empty", "nothing is mapped"],
  missing: ["not there", "no table has this entry"],
};

// The PMD entry, the old table below it, and the number that this phase is about.
/** @param {Moment} moment @param {CollapseState} state @param {number} x @param {number} y @returns {Mark[]} */
function middle(moment, state, x, y) {
  const window = moment.window;
  const kind = window ? window.state : "missing";
  const [is, means] = PMD[kind];
  const index = window?.walk[2]?.index ?? "?";
  const centre = x + 66;
  const cut = kind === "fenced" || kind === "leaf";
  const marks = [
    words("pmd-title", centre, y - 10, `PMD entry ${index}`, "sc-middle sc-strongtext"),
    rect("pmd", x, y, 132, 46, `sc-box sc-pmd-${kind}`, 5),
    words("pmd-is", centre, y + 20, is, "sc-middle sc-strongtext"),
    words("pmd-means", centre, y + 37, means, "sc-middle sc-small"),
    path(
      "pmd-line",
      cut
        ? `M${centre} ${y + 46}v5M${centre} ${y + 61}v5M${centre - 8} ${y + 59}l16 -6`
        : `M${centre} ${y + 46}v20`,
      cut ? "sc-cut" : "sc-line",
    ),
    rect("table", x, y + 66, 132, 30, cut ? "sc-box sc-cutoff" : "sc-box", 5),
    words(
      "table-is",
      centre,
      y + 86,
      `${state.old.length} entries${cut ? ", cut off" : ""}`,
      "sc-middle sc-small",
    ),
  ];
  const [number, of, what] = score(state);
  marks.push(words("score", centre, y + 146, number, "sc-middle sc-huge"));
  marks.push(words("score-of", centre, y + 168, of, "sc-middle"));
  marks.push(words("score-what", centre, y + 187, what, "sc-middle sc-quiettext"));
  return marks;
}

/** @param {CollapseState} state @returns {[number: string, of: string, what: string]} */
function score(state) {
  const entries = state.old.length;
  const pages = state.old.filter((page) => page >= 0).length;
  if (state.failed) return ["✗", "all goes back", "the window is as it was"];
  if (state.done >= 7) return ["1", "huge page", `in place of ${pages} small ones`];
  if (state.done >= 5)
    return [String(pages), "old pages", state.done >= 6 ? "are free again" : "not needed any more"];
  if (state.done >= 4)
    return [
      String(state.copied),
      `of ${entries} copied`,
      `${state.old.slice(0, state.copied).filter((page) => page < 0).length} of them holes, now zeros`,
    ];
  if (state.done >= 3) return [String(pages), "pages to isolate", "nothing is freed here"];
  return [String(pages), "small pages", `and ${entries - pages} holes`];
}

// Free frames over the phases: flat while pages are isolated and copied, rising when the old ones are freed.
/** @param {CollapseState} state @param {number} now @param {number} x @param {number} y @param {number} w @returns {Mark[]} */
function freeLine(state, now, x, y, w) {
  const points = [{ phase: 0, free: Number(state.begin.free) }];
  for (const { kind, values } of state.told) {
    const phase =
      ["found_memory", "locks_out", "fenced", "isolated", "copied", "freed", "published"].indexOf(kind) + 1;
    if (phase && values.free !== undefined) points.push({ phase, free: Number(values.free) });
  }
  const h = 74;
  const least = Math.min(now, ...points.map(({ free }) => free));
  const most = Math.max(now, ...points.map(({ free }) => free));
  /** @param {number} free */
  const high = (free) => y + h - 8 - ((free - least) / Math.max(1, most - least)) * (h - 16);
  /** @param {number} phase */
  const along = (phase) => x + (phase * w) / 7;
  const current = Math.min(7, state.done + 1);
  const d = points
    .map(({ phase, free }, i) =>
      i ? `H${along(phase - 0.5)}V${high(free)}H${along(phase)}` : `M${along(phase)} ${high(free)}`,
    )
    .join("");
  const marks = [
    words("free-title", x, y - 8, "free frames", "sc-strongtext"),
    words("free-now", x + w, y - 8, String(now), "sc-end sc-big"),
  ];
  for (let phase = 1; phase <= 7; phase++) {
    marks.push(
      rect(
        `free-${phase}`,
        along(phase - 1) + 1,
        y,
        w / 7 - 2,
        h,
        phase === current ? "sc-band sc-now" : "sc-band",
      ),
    );
    marks.push(
      words(
        `free-n${phase}`,
        along(phase - 0.5),
        y + h + 15,
        String(phase),
        phase === current ? "sc-middle sc-strongtext" : "sc-middle sc-quiettext",
      ),
    );
  }
  marks.push(path("free-line", `${d}V${high(now)}`, "sc-graph"));
  return marks;
}

// Who holds which lock, at the top; who waits, at its right end.
/** @param {Moment} moment @param {number} w @returns {Mark[]} */
function lockBar(moment, w) {
  const lanes = lanesOf(moment.reader);
  const lasting = lanes.lasting(moment.step);
  const marks = [
    rect("locks", 0, 0, w, 34, "sc-bar", 5),
    words("locks-title", 8, 22, "locks", "sc-strongtext"),
  ];
  let x = 58;
  const held = lasting.filter(({ what }) => what === "holds").slice(0, 4);
  held.forEach((span, i) => {
    const text = `${lanes.lockOf(span)} · ${span.who}`;
    const wide = text.length * 7.2 + 22;
    marks.push(rect(`lock-${i}`, x, 4, wide, 26, "sc-chip", 13), words(`lock-t${i}`, x + 11, 22, text));
    x += wide + 6;
  });
  if (!held.length)
    marks.push(words("lock-none", x, 22, "none is held: other tasks may change anything", "sc-quiettext"));
  const waits = lasting.find(({ what }) => what === "waits");
  if (waits) {
    const text = `❚❚ ${waits.who} waits`;
    const wide = text.length * 7.6 + 22;
    marks.push(
      rect("waits", w - wide - 5, 4, wide, 26, "sc-chip sc-waits", 13),
      words("waits-t", w - wide + 6, 22, text),
    );
  }
  return marks;
}

/** @type {SceneModule} */
export const collapseScene = {
  height: () => 376,
  marks(moment, { width }) {
    const state = readCollapse(moment);
    if (!state) return [words("none", width / 2, 120, "No collapse has begun yet.", "sc-middle sc-big")];
    const gap = Math.max(24, (width - 2 * (WIDE * CELL + 8) - 132) / 3);
    const left = 6;
    const centre = left + WIDE * CELL + gap;
    const right = centre + 132 + gap;
    const { machine } = moment.reader;
    return [
      ...lockBar(moment, width),
      words("old-title", left - 4, 56, "old frames, scattered in memory", "sc-strongtext"),
      ...oldFrames(moment, state, left, 70),
      ...middle(moment, state, centre, 76),
      words("new-title", right - 4, 56, `new block: ${state.old.length} in a row`, "sc-strongtext"),
      ...newBlock(state, right, 70),
      ...freeLine(state, machine.freeFrames(), right - 4, 266, WIDE * CELL + 8),
    ];
  },
  lines(moment) {
    const state = readCollapse(moment);
    if (!state) return [];
    const last = Math.min(state.done, 6);
    const phase = `${state.failed ? "failed in " : ""}phase ${last + 1} ${PHASES[last]}`;
    const where = state.done === 7 ? "the window is huge" : phase;
    const free = moment.reader.machine.freeFrames();
    return [`${where}: ${state.copied} of ${state.old.length} entries copied, ${free} frames free`];
  },
  parts: (moment) => {
    const state = readCollapse(moment);
    return PHASES.map((name, i) => ({
      name: `${i + 1} ${name}`,
      state: !state || i > state.done ? "later" : i < state.done ? "done" : state.failed ? "failed" : "now",
    }));
  },
};
