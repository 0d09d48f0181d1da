// A stop that asks before it shows, and the guess beside the result.

import { button, el, labelled, leave, named, setHidden, setText } from "../draw/dom.js";

/** @import { Part, Stage, Stop, Stops } from "../types.js" */

/** @param {Stage} stage @param {Stop} stop */
function makeChoices(stage, stop) {
  /** @param {string} text */
  const answer = (text) => stage.act(() => stage.guess(stop, text));
  const skip = button("ts-link", "Look without a guess", () => answer(""), "look without a guess");
  if (stop.choices?.length) {
    return [...stop.choices.map((text) => button("ts-button", text, () => answer(text), text)), skip];
  }
  const field = labelled(el("input", "ts-field"), stop.ask ?? "");
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && field.value.trim()) answer(field.value.trim());
  });
  return [
    field,
    button("ts-button", "Guess", () => field.value.trim() && answer(field.value.trim()), "Guess"),
    skip,
  ];
}

/** @param {string} one @param {string} other */
const same = (one, other) => one.trim().toLowerCase() === other.trim().toLowerCase();

// What stands beside the picture once a guess was made.
/** @param {Stops} stops @param {number} step */
export function guessWords(stops, step) {
  const stop = stops.answered(step);
  if (!stop) return "";
  const guess = `${stop.ask} You expected: ${stops.guesses.get(stop)}.`;
  if (!stop.answer || step < (stop.shows ?? stop.step + 1)) return guess;
  return `${guess} ${same(stop.answer, stops.guesses.get(stop)) ? "So it is" : `It is: ${stop.answer}`}.`;
}

/** @param {Stage} stage @returns {Part} */
export function makeAsk(stage) {
  const question = el("strong");
  const choices = el("div", "ts-choices");
  const card = named(el("div", "ts-ask", question, choices), "group", "What do you expect?");
  const kept = el("p", "ts-guess");
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
      setText(kept, guessWords(stage.stops, moment.step));
      setHidden(kept, !kept.textContent);
      setHidden(root, !stop && kept.hidden === true);
    },
  };
}
