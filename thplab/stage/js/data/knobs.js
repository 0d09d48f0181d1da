// The knobs of the machine, those that matter in this run first: the twin of thplab/reading/knobs.py.

import { KNOB_READERS, SETTING_FIELDS, STORES } from "./kernel_words.js";
import { runLengths } from "./lists.js";
import { withUnit } from "./units.js";

/** @import { Header, Moment, Value } from "../types.js" */

/** @typedef {{ name: string, value: string, was: string, matters: boolean }} Knob */

// The knobs that the scenario sets, and those that a function that runs in the recording reads.
/** @param {Header} header */
export function knobsThatMatter(header) {
  const settings = Object.keys(header.scenario?.settings ?? {});
  const read = header.functions.flatMap(({ name }) => KNOB_READERS[name] ?? []);
  return new Set([...settings.map((key) => SETTING_FIELDS[key]), ...read]);
}

// A knob that has a value for each order is shown as run lengths.
/** @param {string} name @param {Value} value */
const knobText = (name, value) => (value?.tuple ? runLengths(value.tuple) : withUnit(name, value));

// Each knob, and what it was at the start if that was something else.
/** @param {Moment} moment @returns {Knob[]} */
export function knobs(moment) {
  const { machine, timeline, header } = moment.reader;
  const matter = knobsThatMatter(header);
  const all = STORES.flatMap((store) => {
    const object = machine.object(machine.value(machine.root, store));
    return object.fields.map((/** @type {string} */ name) => {
      const value = knobText(name, machine.value(object, name));
      const start = knobText(name, machine.value(object, name, timeline.initial));
      return { name, value, was: value === start ? "" : `was ${start}`, matters: matter.has(name) };
    });
  });
  return all.sort((a, b) => Number(b.matters) - Number(a.matters));
}
