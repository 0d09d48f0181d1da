// The ledger: who spent how long on which step up to this moment, and who waited for locks.

import { duration, lanesOf } from "../data/lane_data.js";
import { firstAbove } from "../data/lists.js";
import { el, setText, updateList } from "../draw/dom.js";

/** @import { Reader, ViewModule } from "../types.js" */

const NO_LEDGER = "This recording has no cost ledger: record with alongside=Meter to have one.";
const LOCKED = " with an mmap_lock held for writing: whoever needs it waits";
const DAEMONS = /^(khugepaged|kcompactd|kswapd)/;
const WAIT = { sum: true, count: "", locked: 0, waited: true };

/** @typedef {{ step: string, count: number, ns: number, locked: number }} Charge */
/** @typedef {{ party: string, rows: Charge[], ns: number, locked: number }} Bill */
/** @typedef {{ who: string, step: string, count: string, ns: number, locked: number, sum?: boolean, waited?: boolean }} Row */

// [{party, rows: [{step, count, ns, locked}], ns, locked}] up to a moment, steps in their order.
/** @param {Reader} reader @param {number} step @returns {Bill[]} */
function bill(reader, step) {
  const { ledger } = reader.header;
  const c = reader.recording.columns;
  if (!ledger) return [];
  const parties = ledger.parties.map((party) => /** @type {Bill} */ ({ party, rows: [], ns: 0, locked: 0 }));
  const upTo = firstAbove(c.b_moment, step);
  for (let i = 0; i < upTo; i++) {
    const mine = parties[c.b_party[i]];
    mine.rows[c.b_step[i]] ??= { step: ledger.steps[c.b_step[i]], count: 0, ns: 0, locked: 0 };
    const row = mine.rows[c.b_step[i]];
    row.count += c.b_count[i];
    for (const each of [row, mine]) {
      each.ns += c.b_ns[i];
      each.locked += c.b_locked[i] ? c.b_ns[i] : 0;
    }
  }
  for (const each of parties) each.rows = each.rows.filter(Boolean);
  return parties.filter(({ rows }) => rows.length);
}

/** @param {Bill[]} parties */
function summary(parties) {
  /** @param {boolean} daemons */
  const sum = (daemons) =>
    parties.reduce((sum, { party, ns }) => sum + (DAEMONS.test(party) === daemons ? ns : 0), 0);
  return `Processes spent ${duration(sum(false))} in the kernel, daemons ${duration(sum(true))}`;
}

/** @param {{ ns: number, locked: number }} param0 */
const took = ({ ns, locked }) =>
  duration(ns) + (locked ? `, ${duration(locked)} of it with an mmap_lock held for writing` : "");

// The lines of the table: a party's sum, its steps, and at the end who waited.
/** @param {Bill[]} parties @param {{ who: string, lock: string, ns: number }[]} waits @returns {Row[]} */
function tableRows(parties, waits) {
  const rows = parties.flatMap(({ party, rows: steps, ns, locked }) => [
    { sum: true, who: party, step: "all together", count: "", ns, locked },
    ...steps.map((row) => ({ ...row, who: "", count: String(row.count) })),
  ]);
  return [...rows, ...waits.map(({ who, lock, ns }) => ({ ...WAIT, who, step: `waited for ${lock}`, ns }))];
}

function makeTable() {
  const heads = ["who", "step", "times", "took", ""].map((text) => el("th", "", text));
  const body = el("tbody");
  return { table: el("table", "", el("thead", "", el("tr", "", ...heads)), body), body };
}

const makeRow = () => {
  const bar = el("td", "ts-bar-cell", el("i"), el("i"));
  return el("tr", "", el("th"), el("td"), el("td", "ts-number"), el("td", "ts-number"), bar);
};

/** @param {any} line @param {Row} row @param {number} whole */
function fillRow(line, row, whole) {
  const [who, step, count, time, bar] = line.children;
  line.toggleAttribute("data-sum", row.sum === true);
  setText(who, row.who);
  setText(step, row.step);
  setText(count, row.count);
  setText(time, duration(row.ns));
  /** @param {number} ns */
  const percent = (ns) => `${(100 * ns) / whole}%`;
  bar.firstChild.style.width = percent(row.locked);
  bar.lastChild.style.width = percent(row.ns - row.locked);
  bar.toggleAttribute("data-waited", row.waited === true);
}

/** @type {ViewModule} */
export const ledgerView = {
  make(stage) {
    const { reader } = stage;
    const said = el("p", "ts-quiet");
    if (!reader.header.ledger) {
      said.textContent = NO_LEDGER;
      return { root: el("div", "ts-ledger", said), update: () => {} };
    }
    const { table, body } = makeTable();
    const locked = el("span", "", el("i", "ts-bar-locked"), LOCKED);
    const key = el("p", "ts-lane-legend", locked, el("span", "", el("i", "ts-bar-free"), " the rest"));
    const root = el("div", "ts-ledger", said, table, key, el("p", "ts-quiet", reader.header.ledger.source));
    const longest = [...bill(reader, reader.last), ...lanesOf(reader).waited(reader.last)];
    const whole = Math.max(1, ...longest.map(({ ns }) => ns));
    return {
      root,
      update(moment) {
        const parties = bill(reader, moment.step);
        setText(said, `${summary(parties)}.`);
        const rows = tableRows(parties, lanesOf(reader).waited(moment.step));
        updateList(body, rows, makeRow, (line, row) => fillRow(line, row, whole));
      },
    };
  },
  lines(moment) {
    const { reader } = moment;
    if (!reader.header.ledger) return [NO_LEDGER];
    const parties = bill(reader, moment.step);
    const told = parties.flatMap(({ party, rows, ns, locked }) => [
      `${party}: ${took({ ns, locked })}`,
      ...rows.map((row) => `${party}, ${row.step}, ${row.count}x: ${took(row)}`),
    ]);
    const waited = lanesOf(reader).waited(moment.step);
    const waits = waited.map(({ who, lock, ns }) => `${who} waited ${duration(ns)} for ${lock}`);
    return [summary(parties), ...told, ...waits, reader.header.ledger.source];
  },
};
