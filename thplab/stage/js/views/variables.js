// The local variables of the frame whose source is shown; those that vary stand first.

import { el, setText, updateList } from "../draw/dom.js";

/** @import { Moment, ViewModule } from "../types.js" */

/** @param {Moment} moment @param {number} [up] */
function rows(moment, up = 0) {
  const frame = moment.stack.slice(up).find((each) => each.source >= 0);
  if (!frame) return [];
  const all = moment.reader.frames.locals(frame.number, moment.step);
  /** @param {{ name: string, varies: boolean }} row */
  const rank = (row) => (row.name === "index" ? 0 : row.varies ? 1 : 2);
  return all.sort((a, b) => rank(a) - rank(b));
}

/** @type {ViewModule} */
export const variablesView = {
  make(stage) {
    const list = el("div", "ts-pairs");
    const root = el("div", "ts-variables", el("div", "ts-title", "Variables"), list);
    const before = new Map();
    return {
      root,
      update(moment) {
        const shown = rows(moment, stage.selection.frameUp);
        const make = () => el("div", "", el("span"), el("b"));
        updateList(list, shown, make, (pair, row) => {
          setText(pair.firstChild, row.name);
          setText(pair.lastChild, row.text);
          pair.toggleAttribute("data-new", before.has(row.name) && before.get(row.name) !== row.text);
          pair.toggleAttribute("data-quiet", !row.varies);
        });
        before.clear();
        for (const row of shown) before.set(row.name, row.text);
      },
    };
  },
  lines: (moment) => rows(moment).map((row) => `${row.name} = ${row.text}`),
};
