// Who holds which lock, and who waits for one: the bar on top of a picture.

import { lanesOf } from "../data/lane_data.js";
import { chip, rect, widthOf, words } from "./marks.js";
import { taskWords } from "./names.js";

/** @import { Mark, Moment, Reader, Span } from "../types.js" */

const MOST = 4;
const FEW = 560; // a bar less wide has no room for chips

// A lock by its kind alone: whose it is says the picture.
/** @param {Moment} moment @param {Span} span */
function lockWords({ reader }, { lock, how }) {
  return `${kindOf(reader, lock)} (${how})`;
}

// What kind of lock it is; most are called by one word.
/** @param {Reader} reader @param {number} lock */
const kindOf = ({ header }, lock) =>
  header.objects[lock].label.replace(/^vma/, "VMA").replace(/^(.*? lock|\S+).*/, "$1");

// What a task waits for, and who holds it.
/** @param {Moment} moment @param {Span} span */
export function wantsWords(moment, { lock }) {
  const spans = lanesOf(moment.reader).lasting(moment.step);
  const holders = spans.filter((span) => span.what === "holds" && span.lock === lock);
  const names = [...new Set(holders.map(({ who }) => taskWords(moment.reader, who)))];
  const held = names.length ? `, which ${names.join(" and ")} ${names.length > 1 ? "hold" : "holds"}` : "";
  return `wants ${kindOf(moment.reader, lock)}${held}`;
}

// Held locks, grouped by who holds them; locked pages are one of them.
/** @param {Moment} moment @param {number} pages @param {string} actor @returns {[who: string, locks: string[]][]} */
function holders(moment, pages, actor) {
  const found = /** @type {Map<string, string[]>} */ (new Map());
  /** @param {string} who @param {string} lock */
  const put = (who, lock) => {
    const words = taskWords(moment.reader, who);
    found.set(words, [...(found.get(words) ?? []), lock]);
  };
  for (const span of lanesOf(moment.reader).lasting(moment.step))
    if (span.what === "holds") put(span.who, lockWords(moment, span));
  if (pages) put(actor, `${pages} page lock${pages === 1 ? "" : "s"}`);
  return [...found];
}

// The task that waits for a lock now, if any.
/** @param {Moment} moment */
export const waiting = (moment) =>
  lanesOf(moment.reader)
    .lasting(moment.step)
    .find(({ what }) => what === "waits");

// `actor`: who collapses; `isStruck`: another task runs in the middle of it.
/** @param {Moment} moment @param {number} w @param {number} pages @param {string} actor @param {boolean} isStruck @returns {Mark[]} */
export function lockBar(moment, w, pages, actor, isStruck) {
  const marks = [rect("locks", 0, 0, w, 34, "sc-bar", 5)];
  const waits = waiting(moment);
  const end = waits
    ? chip("waits", 0, 4, `❚❚ ${taskWords(moment.reader, waits.who)} waits`, "sc-waits")
    : isStruck
      ? chip("paused", 0, 4, `${taskWords(moment.reader, actor)} does not run now`, "sc-paused")
      : null;
  const room = w - (end ? end.width + 12 : 0);
  let x = 8;
  for (const [n, [who, locks]] of holders(moment, pages, actor).entries()) {
    if (w < FEW) {
      const more = locks.length > 1 ? ` + ${locks.length - 1} more` : "";
      const count = `${locks.length} ${more ? "locks" : "lock"}`;
      const forms = [`${who} holds ${locks[0]}${more}`, `${who} holds ${count}`, `${who}: ${count}`];
      marks.push(words(`holder-${n}`, x, 22, forms.find((each) => x + widthOf(each) < room) ?? count));
      break;
    }
    const title = `${who} holds`;
    if (x + widthOf(title, 14, 600) > room) break;
    marks.push(words(`holder-${n}`, x, 22, title, "sc-strongtext"));
    x += widthOf(title, 14, 600) + 8;
    const shown = locks
      .slice(0, MOST)
      .map((text, i) => [text, chip(`lock-${n}-${i}`, 0, 4, text, "sc-lockchip")]);
    let left = locks.length;
    for (const [, made] of /** @type {[string, ReturnType<typeof chip>][]} */ (shown)) {
      if (x + made.width > room - (left > 1 ? 50 : 0)) break;
      for (const mark of made.marks) marks.push({ ...mark, at: { ...mark.at, x: Number(mark.at.x) + x } });
      x += made.width + 6;
      left--;
    }
    if (left) marks.push(words(`locks-more-${n}`, x, 22, `+ ${left}`, "sc-quiettext"));
    x += left ? 40 : 10;
  }
  if (marks.length === 1)
    marks.push(
      words(
        "lock-none",
        8,
        22,
        w < 400 ? "no lock is held" : "No lock is held: other tasks may change anything.",
        "sc-quiettext",
      ),
    );
  for (const mark of end?.marks ?? [])
    marks.push({ ...mark, at: { ...mark.at, x: Number(mark.at.x) + w - (end?.width ?? 0) - 5 } });
  return marks;
}
