// The locks that are held now: how, by whom, since when.

import { GLYPHS } from "../data/glyphs.js";
import { lanesOf } from "../data/lane_data.js";
import { once } from "../data/moment.js";
import { button, el, setHidden, setText, updateList } from "../draw/dom.js";

/** @import { Moment, ObjectInfo, Reader, ViewModule } from "../types.js" */

const LOCKED = GLYPHS.findIndex((glyph) => glyph.key === "locked");

// "page table lock 3" says little: of which of this window's tables?
/** @param {Moment} moment */
function levels(moment) {
  const names = new Map();
  const w = moment.window;
  if (!w) return names;
  const { machine } = moment.reader;
  /** @param {number} page @param {string} level */
  const note = (page, level) => names.set(machine.tableLock(page), `of this window's ${level} table`);
  for (const step of w.walk) note(step.page, step.level);
  if (w.page >= 0) note(w.page, "PTE");
  return names;
}

const rows = once((moment) => {
  const { reader } = moment;
  const { machine } = reader;
  const level = levels(moment);
  const lasting = lanesOf(reader).lasting(moment.step);
  const holds = lasting.filter(({ what }) => what === "holds");
  const held = [];
  for (const lock of machine.locks) {
    const writer = machine.value(lock, "writer");
    const readers = machine.value(lock, "readers");
    if (!writer && !readers) continue;
    const mine = holds.filter((span) => span.lock === lock.id);
    const who = writer || [...new Set(mine.map((span) => span.who))].join(" and ") || "a reader";
    const since = mine[mine.length - 1]?.first || -1; // since the beginning: nothing to say
    const note = level.get(lock.id) ?? "";
    held.push({ id: lock.id, how: writer ? "write" : "read", name: lock.label, note, who, since });
  }
  const pages = moment.window ? moment.window.keys.filter((key) => key === LOCKED).length : 0;
  if (pages)
    held.push({
      how: "write",
      name: "page lock",
      note: `of ${pages} page${pages > 1 ? "s" : ""} of the window`,
      id: -1,
      who: "",
      since: -1,
    });
  return held;
});

/** @type {ViewModule} */
export const locksView = {
  summary: (moment) => String(rows(moment).length),
  make(stage) {
    const list = el("ul", "ts-rows");
    const none = el("p", "ts-quiet", "No lock is held: anything may happen.");
    const root = el("div", "ts-locks", list, none);
    return {
      root,
      update(moment) {
        const shown = rows(moment);
        setHidden(none, shown.length > 0);
        const make = () => {
          const name = button("ts-name", "Point at this lock", () =>
            stage.act(() => stage.selection.point("lock", Number(name.dataset.id))),
          );
          name.removeAttribute("aria-label"); // its own words name it
          return el("li", "", el("span", "ts-how"), name, el("span", "ts-quiet"));
        };
        updateList(list, shown, make, (item, row) => {
          setText(item.children[0], row.how);
          item.children[0].dataset.how = row.how;
          setText(item.children[1], row.name);
          item.children[1].dataset.id = row.id;
          item.children[1].disabled = row.id < 0; // page locks are no objects of their own
          item.toggleAttribute("data-lit", stage.selection.isPointed("lock", row.id));
          const since = row.since >= 0 ? `, since moment ${row.since}` : "";
          setText(item.children[2], `${row.note}${row.who ? ` by ${row.who}` : ""}${since}`);
          item.toggleAttribute("data-new", row.since === moment.step);
        });
      },
    };
  },
  lines(moment) {
    const found = rows(moment).map((row) =>
      [row.how, row.name, row.note, row.who && `by ${row.who}`].filter(Boolean).join(" "),
    );
    return found.length ? found : ["No lock is held: anything may happen."];
  },
};
