// What is told of a run: sentences, and the named values in them. template.py fills the same texts alike.

import { firstAbove } from "./lists.js";

/** @import { Recording, Sentence, Values } from "../types.js" */

const ABSENT = 255;
const HOLE = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;

/** @param {string} text */
const uncapital = (text) => text.slice(0, 1).toLowerCase() + text.slice(1);

/** @param {string} text @param {Values} values */
export function fill(text, values) {
  return text.replace(HOLE, (_, hole, one, more) => {
    const name = uncapital(hole);
    const value = values[name];
    if (one !== undefined) return `${value} ${value === 1 ? one : more}`;
    return name === hole ? `${value}` : `${value}`.slice(0, 1).toUpperCase() + `${value}`.slice(1);
  });
}

export class Story {
  /** @param {Recording} recording */
  constructor({ header, columns }) {
    this.header = header;
    this.columns = columns;
    this.length = columns.t_moment.length;
    this.known = /** @type {Sentence[]} */ (Array(this.length)); // what was read, by its number
  }

  // The sentence that was told last at a moment, or null.
  /** @param {number} step */
  at(step) {
    const place = firstAbove(this.columns.t_moment, step);
    return place ? this.read(place - 1) : null;
  }

  // How much sentence number `place` matters.
  /** @param {number} place */
  rankOf(place) {
    return this.header.templates[this.columns.t_template[place]].rank;
  }

  // When sentence number `place` was told.
  /** @param {number} place */
  momentOf(place) {
    return this.columns.t_moment[place];
  }

  // What kind of happening sentence number `place` tells of.
  /** @param {number} place */
  kindOf(place) {
    return this.header.templates[this.columns.t_template[place]].kind;
  }

  // Sentence number `place` of all that are told.
  /** @param {number} place @returns {Sentence} */
  read(place) {
    this.known[place] ??= this.decode(place);
    return this.known[place];
  }

  /** @param {number} place @returns {Sentence} */
  decode(place) {
    const { t_moment, t_template, t_values_end, v_kind, v_value } = this.columns;
    const { kind, rank, text, names } = this.header.templates[t_template[place]];
    const begin = place ? t_values_end[place - 1] : 0;
    const values = /** @type {Values} */ ({});
    names.forEach((name, i) => {
      const at = begin + i;
      if (v_kind[at] !== ABSENT) values[name] = v_kind[at] ? this.header.texts[v_value[at]] : v_value[at];
    });
    let filled = "";
    return {
      moment: t_moment[place],
      place,
      kind,
      rank,
      values,
      // Of most sentences only the values are asked for.
      get sentence() {
        filled ||= fill(text, values);
        return filled;
      },
    };
  }
}
