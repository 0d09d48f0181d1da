// A stop that asks before it shows: a bet by a click or a letter, locked until the run has shown the answer, and kept.

import { button, el, labelled, leave, named, setHidden, setText } from "../draw/dom.js";
import { showsAt } from "../state/stops.js";

/** @import { Part, Stage, Stop, Stops } from "../types.js" */

const LETTERS = "abcdefgh";

/** @param {string} one @param {string} other */
const same = (one, other) => one.trim().toLowerCase() === other.trim().toLowerCase();

// The choice that a letter stands for while a stop asks; null: none.
/** @param {Stage} stage @param {string} letter */
export function choiceOf(stage, letter) {
  const stop = stage.stops.asking(stage.moment.step);
  const text = stop?.choices?.[LETTERS.indexOf(letter)];
  return stop && letter.length === 1 && text !== undefined ? () => stage.guess(stop, text) : null;
}

/** @param {Stage} stage @param {Stop} stop */
function makeChoices(stage, stop) {
  /** @param {string} text */
  const bet = (text) => stage.actNow(() => stage.guess(stop, text));
  const skip = button("ts-link", "Look without a guess", () => bet(""), "look without a guess");
  if (stop.choices?.length) {
    const keys = stop.choices.map((text, i) =>
      button("ts-button", `${text} (${LETTERS[i]})`, () => bet(text), el("b", "", LETTERS[i]), text),
    );
    return [...keys, skip];
  }
  const field = labelled(el("input", "ts-field"), stop.ask ?? "");
  const guess = () => field.value.trim() && bet(field.value.trim());
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") guess();
  });
  return [field, button("ts-button", "Guess", guess, "Guess"), skip];
}

// The words beside the picture once a guess was made. The question was just read, unless that was on another day.
/** @param {Stops} stops @param {number} step */
export function guessWords(stops, step) {
  const stop = stops.answered(step);
  if (!stop) return "";
  const guessed = stops.guesses.get(stop);
  const asked = stops.earlier.has(stop) ? stop.ask : "";
  const guess = `You expected: ${guessed}.`;
  if (step < showsAt(stop)) return `${guess} Step on: the run will show it.`;
  if (!stop.answer) return `${asked} ${guess}`.trim();
  const right = same(stop.answer, guessed);
  const why = stop.why?.[guessed] ?? "";
  return [asked, guess, right ? "✓ So it is." : `✗ It is: ${stop.answer}.`, why].filter(Boolean).join(" ");
}

/** @param {Stage} stage @returns {Part} */
export function makeAsk(stage) {
  const question = el("strong");
  const choices = el("div", "ts-choices");
  const card = named(el("div", "ts-ask", question, choices), "group", "What do you expect?");
  const said = el("span");
  const onward = button("ts-button", "Show it", () => stage.act("nextStop"), "Show it");
  const kept = el("div", "ts-guess", said, onward);
  const root = el("div", "ts-asking", card, kept);
  root.setAttribute("aria-live", "polite");
  let asked = /** @type {Stop | null} */ (null);
  return {
    root,
    update(moment) {
      const stop = stage.stops.asking(moment.step);
      if (stop !== asked) {
        leave(card);
        choices.replaceChildren(...(stop ? makeChoices(stage, stop) : []));
        setText(question, stop?.ask ?? "");
        asked = stop;
      }
      setHidden(card, !stop);
      const words = guessWords(stage.stops, moment.step);
      setText(said, words);
      setHidden(onward, !stage.stops.covering(moment.step));
      setHidden(kept, Boolean(stop) || !(words || !onward.hidden));
      setHidden(root, !stop && kept.hidden === true);
    },
  };
}
