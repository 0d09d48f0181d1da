// What a lecture needs: a black picture, a clock since it began, and the speaker's notes on request.

import { button, el, named, setHidden, setText } from "../draw/dom.js";

/** @import { Moment, Stage, Stops } from "../types.js" */

/** @param {number} number */
const two = (number) => String(number).padStart(2, "0");

/** @param {Stage} stage */
function makeTimer(stage) {
  const timer = button("ts-timer", "Time since presenting began; press to start again", () => {
    stage.presenting.restartClock();
  });
  const show = () => {
    const seconds = Math.floor((Date.now() - stage.presenting.since) / 1000);
    setText(timer, `${Math.floor(seconds / 60)}:${two(seconds % 60)}`);
  };
  let ticking = 0;
  return {
    timer,
    update() {
      setHidden(timer, !stage.presenting.on);
      if (stage.presenting.on) show();
      if (stage.presenting.on === Boolean(ticking)) return;
      clearInterval(ticking);
      ticking = stage.presenting.on ? setInterval(show, 1000) : 0;
    },
    stop: () => clearInterval(ticking),
  };
}

/** @param {Stops} stops @param {number} step */
export function notesWords(stops, step) {
  const stop = stops.at(step);
  const next = stops.after(step);
  const lines = [stop?.title, stop?.notes || "No notes for this stop."].filter(Boolean);
  if (next) lines.push(`Next: ${next.title || `moment ${next.step}`}`);
  return lines.join("\n");
}

/** @param {Stage} stage */
export function makePresenter(stage) {
  const clock = makeTimer(stage);
  const blank = named(el("div", "ts-blank"), "img", "The picture is blank. Press b to show it.");
  const notes = el("pre", "ts-notes");
  notes.setAttribute("role", "note");
  const where = el("span", "ts-stop");
  return {
    root: el("div", "ts-over", blank, notes),
    head: [where, clock.timer],
    /** @param {Moment} moment @param {Stage} shown */
    update(moment, shown) {
      clock.update();
      setHidden(blank, !shown.presenting.blank);
      setHidden(notes, !shown.presenting.notes);
      if (shown.presenting.notes) setText(notes, notesWords(shown.stops, moment.step));
      const { list } = shown.stops;
      const at = shown.stops.at(moment.step);
      setText(where, at ? `${list.indexOf(at) + 1}/${list.length}${at.title ? ` · ${at.title}` : ""}` : "");
      setHidden(where, !at);
    },
    stop: clock.stop,
  };
}
