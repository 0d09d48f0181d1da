// The edit row: paint entries, turn knobs, let another task act, and run on from here.

import { CHOICES } from "../data/choices.js";
import { SETTING_FIELDS, SWITCH, UNITS } from "../data/kernel_words.js";
import { knobsThatMatter } from "../data/knobs.js";
import { button, el, labelled, leave, named, setAttribute, setHidden, setText } from "../draw/dom.js";

/** @import { Part, Stage } from "../types.js" */

const KEEP = ["", "at the next place where others can act"];

// A labelled field, what helps to fill it, and what was wrong with it.
/**
 * @param {Stage} stage
 * @param {"paint" | "knobs" | "op"} name
 * @param {string} label
 * @param {string} example
 * @param {...(Node | string)} help
 */
function makeField(stage, name, label, example, ...help) {
  const { edit } = stage;
  const field = labelled(el("input", "ts-field"), label);
  field.placeholder = example;
  field.spellcheck = false;
  const wrong = el("p", "ts-wrong");
  wrong.setAttribute("role", "alert");
  field.addEventListener("input", () => {
    edit.write(name, field.value); // at once: a picture that is drawn meanwhile must not put the old text back
    stage.act(() => {});
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    stage.act("runEdit");
  });
  const caption = el("span", "ts-edit-label", label);
  const root = el("div", "ts-edit-field", caption, el("div", "ts-edit-line", field, ...help), wrong);
  return {
    root,
    field,
    update() {
      if (field.value !== edit[name]) field.value = edit[name];
      const text = edit.refused.field === name ? edit.refused.text : "";
      setText(wrong, text);
      setAttribute(field, "aria-invalid", String(Boolean(text)));
    },
  };
}

// Choices that have a group stand in it; the groups are in the order of their first choices.
/** @param {string} label @param {string[][]} options @param {(value: string) => void} choose */
function makeSelect(label, options, choose) {
  const select = labelled(el("select", "ts-choose"), label);
  fill(select, options);
  select.addEventListener("change", () => choose(select.value));
  return select;
}

/** @param {HTMLSelectElement} select @param {string[][]} options value, text and the group that it is in, if any */
function fill(select, options) {
  const groups = /** @type {Map<string, HTMLOptGroupElement>} */ (new Map());
  for (const [value, text, group] of options) {
    const place = group ? (groups.get(group) ?? el("optgroup")) : select;
    if (place instanceof HTMLOptGroupElement) {
      place.label = group;
      groups.set(group, place);
      select.append(place);
    }
    place.append(new Option(text, value));
  }
}

/** @param {Record<string, string>} choices */
const explained = (choices) => Object.entries(choices).map(([name, says]) => [name, `${name}: ${says}`]);

// The knobs that this run sets or reads first: what else there is changes nothing in it.
/** @param {Stage} stage */
function knobChoices(stage) {
  const matter = knobsThatMatter(stage.reader.header);
  const all = Object.entries(CHOICES.knobs).map(([name, allowed]) => {
    const field = SETTING_FIELDS[name];
    const unit = UNITS[field] && UNITS[field] !== SWITCH ? ` (${UNITS[field]})` : "";
    const group = matter.has(field) ? "set or read in this run" : "others";
    return [name, `${name}: ${allowed}${unit}`, group];
  });
  return all.sort(([, , a], [, , b]) => Number(a === "others") - Number(b === "others"));
}

/** @param {Stage} stage */
function makeFields(stage) {
  const { edit } = stage;
  const paints = CHOICES.paints.map((kind) => [kind, kind]);
  const brush = makeSelect("Paint with", paints, (kind) => edit.write("brush", kind));
  /** @param {string} name */
  const add = (name) => {
    if (!name) return;
    const before = edit.knobs.trim() ? `${edit.knobs.trim()}, ` : "";
    stage.actNow(() => edit.write("knobs", `${before}${name}=`));
    knob.value = "";
    fields[1].field.focus();
  };
  const knob = makeSelect("Add a knob", [["", "add a knob"]], add);
  const gap = makeSelect("When", [KEEP, ...explained(CHOICES.gaps)], (name) => edit.write("gap", name));
  const paintWith = el("span", "ts-quiet", "paint with");
  const fields = [
    makeField(stage, "paint", "Entries of the window", "100x present, 412x none", paintWith, brush),
    makeField(stage, "knobs", "Knobs", "max_ptes_none=100", knob),
    makeField(stage, "op", "Another task acts", "munmap 0-255, or b: write 7", gap),
  ];
  const update = () => {
    // Which knobs matter tells something of the run: nothing of it is in the document before it is asked for.
    if (knob.length === 1) fill(knob, knobChoices(stage));
    for (const each of fields) each.update();
    brush.value = edit.brush;
    gap.value = edit.gap;
  };
  return { fields, update };
}

/** @param {Stage} stage @returns {Part} */
export function makeEditRow(stage) {
  const { edit } = stage;
  const title = el("strong");
  const { fields, update } = makeFields(stage);
  const box = el("div", "ts-edit-fields", ...fields.map(({ root }) => root));
  const says = el("p", "ts-edit-says");
  says.setAttribute("aria-live", "polite");
  const go = () => stage.act("runEdit");
  const run = button("ts-button", "Run on from here with this", go, "Run on from here");
  const clear = button("ts-button", "Clear the fields", () => stage.act(() => edit.clear()), "Clear");
  const close = button("ts-button", "Close (Esc)", () => stage.actNow("follow"), "Close");
  const line = el("div", "ts-edit-line", run, clear, close, says);
  const root = named(el("div", "ts-edit", title, box, line), "group", "What if?");
  return {
    root,
    update(moment) {
      const opens = root.hidden && edit.shown;
      if (!edit.shown) leave(root);
      setHidden(root, !edit.shown);
      root.closest(".thplab-stage")?.toggleAttribute("data-editing", edit.shown && Boolean(edit.send));
      if (!edit.shown) return;
      setText(title, `What if, from moment ${moment.step} on …`);
      for (const part of [box, run, clear]) setHidden(part, !edit.send);
      update();
      if (edit.busy) leave(run);
      run.disabled = edit.busy;
      const general = edit.refused.field === "" ? edit.refused.text : "";
      setText(says, [edit.says, general].filter(Boolean).join(" "));
      if (opens) root.scrollIntoView({ block: "nearest" });
      if (opens && edit.send) fields[0].field.focus();
      else if (opens) close.focus();
    },
  };
}
