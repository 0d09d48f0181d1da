// The free lists of the buddy allocator: how many blocks of each order and migrate type.

import { counted, el, scroller, setText, updateList } from "../draw/dom.js";

/** @import { Machine, ViewModule } from "../types.js" */

const MIGRATE_NAMES = ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate"];

// [{zone, free, types: [{name, counts}]}] of all zones; types without a free block are left out.
/** @param {Machine} machine */
function zones(machine) {
  return machine.header.objects
    .filter((object) => object.type === "Zone")
    .map((zone) => {
      const orders = machine.value(zone, "max_order") + 1;
      const first = machine.value(zone, "free_lists");
      const types = MIGRATE_NAMES.map((name, type) => ({
        name,
        counts: Array.from({ length: orders }, (_, order) =>
          machine.freeBlocks(first + type * orders + order),
        ),
      }));
      return {
        zone: zone.label,
        orders,
        free: machine.value(zone, "free_pages"),
        types: types.filter(({ counts }) => counts.some(Boolean)),
      };
    });
}

/** @type {ViewModule} */
export const buddyView = {
  make(stage) {
    const orders = Math.max(0, ...zones(stage.reader.machine).map((zone) => zone.orders));
    const heads = Array.from({ length: orders }, (_, order) => el("th", "", String(order)));
    const head = el("tr", "", el("th", "", "free blocks of order"), ...heads);
    const body = el("tbody");
    const root = scroller("div", "ts-buddy", "Free lists");
    root.append(el("table", "", el("thead", "", head), body));
    const make = () => el("tr", "", el("th"), ...Array.from({ length: orders }, () => el("td")));
    return {
      root,
      update(moment) {
        const rows = zones(moment.reader.machine).flatMap(({ zone, free, types }) => [
          { name: `${zone}: ${counted(free, "page")} free`, counts: [] },
          ...types.map(({ name, counts }) => ({ name, counts })),
        ]);
        updateList(body, rows, make, (line, { name, counts }) => {
          setText(line.firstChild, name);
          for (let order = 0; order < orders; order++)
            setText(line.children[order + 1], counts.length ? String(counts[order] || "·") : "");
        });
      },
    };
  },
  lines(moment) {
    return zones(moment.reader.machine).flatMap(({ zone, free, types }) => [
      `zone ${zone}: ${counted(free, "page")} free`,
      ...types.map(({ name, counts }) => {
        const some = counts.flatMap((count, order) => (count ? [`${count}x order ${order}`] : []));
        return `${name}: ${some.join(", ")}`;
      }),
    ]);
  },
};
