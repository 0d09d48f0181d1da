// What a reader has written into the edit row, and what became of it. No drawing here.

import { CHOICES } from "../data/choices.js";

/** @import { EditAnswer, EditMessage } from "../types.js" */

const NO_PYTHON =
  "Editing needs Python: open this recording in a notebook with Stage(...). Everything else works here.";
const NOBODY =
  "Python does not answer: it is busy, or it is not running. Nothing has changed; what you wrote stays here.";
const WAIT_MS = 4000;
/** @type {Record<string, string>} */
const ALSO = { present: "young", empty: "none" };
const PART = /^(?:(\d+)\s*[x×]|(\d+)(?:\s*-\s*(\d+))?\s*:?)\s*([a-z]+)$/;

// Entry -> kind, of what can be read of a text such as "100x present, 7 swap"; Python says what is wrong with the rest.
/** @param {string} text @param {number} entries @returns {Map<number, string>} */
export function readPaint(text, entries) {
  const kinds = new Map();
  let at = 0;
  for (const part of text.split(/[,;\n]/)) {
    const found = PART.exec(part.trim());
    if (!found) continue;
    const first = found[1] ? at : Number(found[2]);
    at = found[1] ? first + Number(found[1]) : Number(found[3] ?? found[2]) + 1;
    const kind = ALSO[found[4]] ?? found[4];
    if (kind !== "keep" && !CHOICES.paints.includes(kind)) continue;
    for (let i = first; i < Math.min(at, entries); i++) kinds.set(i, kind);
  }
  return kinds;
}

// The same the other way round: "0-99 young, 105 swap".
/** @param {Map<number, string>} kinds */
export function writePaint(kinds) {
  const parts = [];
  const entries = [...kinds.keys()].filter((i) => kinds.get(i) !== "keep").sort((a, b) => a - b);
  for (let from = 0, i = 1; i <= entries.length; i++) {
    const goesOn =
      i < entries.length &&
      entries[i] === entries[i - 1] + 1 &&
      kinds.get(entries[i]) === kinds.get(entries[from]);
    if (goesOn) continue;
    const range = i - from > 1 ? `${entries[from]}-${entries[i - 1]}` : String(entries[from]);
    parts.push(`${range} ${kinds.get(entries[from])}`);
    from = i;
  }
  return parts.join(", ");
}

export class EditState {
  paint = "";
  knobs = "";
  op = "";
  gap = "";
  note = "";
  refused = { field: "", text: "" };
  busy = false;

  /** @param {number} entries @param {() => void} changed */
  constructor(entries, changed) {
    this.entries = entries;
    this.changed = changed; // called when an answer, or none, has come
    this.send = /** @type {((message: EditMessage) => void) | null} */ (null); // set where there is Python
    this.whyNot = NO_PYTHON;
    this.shown = false;
    this.brush = "none";
  }

  clear() {
    this.paint = this.knobs = this.op = this.gap = this.note = "";
    this.refused = { field: "", text: "" };
    this.busy = false;
  }

  // `send(message)` reaches Python; where it is null, `whyNot` says why.
  /** @param {((message: EditMessage) => void) | null} send @param {string} [whyNot] */
  connect(send, whyNot = NO_PYTHON) {
    this.send = send;
    this.whyNot = whyNot;
  }

  toggle() {
    this.shown = !this.shown;
  }

  hide() {
    this.shown = false;
  }

  // What was written or chosen in a field: paint, knobs, op, gap, brush.
  /** @param {"paint" | "knobs" | "op" | "gap" | "brush"} field @param {string} text */
  write(field, text) {
    this[field] = text;
  }

  // Does a pointer on the window paint?
  get paints() {
    return this.shown && Boolean(this.send);
  }

  // What the row says below its fields.
  get says() {
    return this.send ? this.note : this.whyNot;
  }

  get painted() {
    return this.shown && this.paint ? readPaint(this.paint, this.entries) : new Map();
  }

  /** @param {number} index */
  paintEntry(index) {
    if (index < 0 || index >= this.entries || !this.send) return;
    this.paint = writePaint(readPaint(this.paint, this.entries).set(index, this.brush));
  }

  /** @param {number} at */
  run(at) {
    if (!this.send || this.busy) return;
    const { paint, knobs, op, gap } = this;
    Object.assign(this, { busy: true, note: "Running on from here …", refused: { field: "", text: "" } });
    this.timer = setTimeout(() => this.answer({ silent: true }), WAIT_MS);
    try {
      this.send({ edit: { at, paint, knobs, op, gap } });
    } catch {
      this.answer({ silent: true });
    }
  }

  // What Python says: that it listens, that the edit is refused, or that it has run.
  /** @param {EditAnswer} message */
  answer(message) {
    clearTimeout(this.timer);
    if (message.listening) return;
    this.busy = false;
    this.note = message.asleep ?? (message.silent ? NOBODY : "");
    if (message.refused) {
      this.refused = message.refused;
      this.note = "Refused; nothing has changed.";
    }
    if (message.branched) this.clear();
    this.changed();
  }

  stop() {
    clearTimeout(this.timer);
  }
}
