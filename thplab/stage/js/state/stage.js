// The stage: one recording, one moment, and what the reader has done to the picture. Each concern keeps its own
// state and is the only one to write it; views read and draw.

import { Finder } from "../data/finder.js";
import { Reader } from "../data/moment.js";
import { GRANULARITIES, Navigator } from "../data/navigate.js";
import { makeActions } from "./actions.js";
import { Bookmarks } from "./bookmarks.js";
import { EditState } from "./edit_state.js";
import { OpenViews } from "./open_views.js";
import { Playback } from "./playback.js";
import { Presenting } from "./presenting.js";
import { Queue } from "./queue.js";
import { Search } from "./search.js";
import { Selection } from "./selection.js";
import { Stops, showsAt } from "./stops.js";
import { Things } from "./things.js";
import { Zoom } from "./zoom.js";
/** @import { Action, Actions, Moment, Origin, Recording, Stop } from "../types.js" */
export class Stage {
  /** @param {Recording} recording */
  constructor(recording) {
    this.reader = new Reader(recording);
    this.last = this.reader.last;
    this.finder = new Finder(this.reader);
    this.navigator = new Navigator(this.reader);
    this.moment = this.reader.read(0);
    this.granularity = this.navigator.coarsest();
    /** @type {Origin} */
    this.origin = { step: 0, views: [], granularity: this.granularity }; // where it was opened, or sent to
    this.helpShown = false;
    this.wordsShown = false;
    this.selection = new Selection(() => this.moment);
    this.search = new Search(this.finder);
    this.presenting = new Presenting();
    this.open = new OpenViews(this.presenting);
    this.zoom = new Zoom();
    this.things = new Things();
    this.playback = new Playback(this);
    this.bookmarks = new Bookmarks();
    this.stops = new Stops();
    this.edit = new EditState(this.reader.header.geometry.entries, () => this.paint());
    this.queue = new Queue(
      (action) => this.run(action),
      () => this.paint(),
    );
    this.listeners = /** @type {((moment: Moment) => void)[]} */ ([]);
    /** @type {(action: keyof Actions) => Stage | null} */
    this.handsOver = () => null; // (action) -> the stage beside this one, if that is the one to act
    this.actions = makeActions(this);
  }

  /** @param {(moment: Moment) => void} listener */
  onChange(listener) {
    this.listeners.push(listener);
  }

  // `handsOver(action)`: the stage beside this one, if that is the one to act, else null.
  /** @param {(action: keyof Actions) => Stage | null} handsOver */
  standBeside(handsOver) {
    this.handsOver = handsOver;
  }

  // Do something that a key or a button asks for.
  /** @param {Action} action */
  act(action) {
    this.queue.push(action);
  }

  // The same before anything else is typed: for what moves the focus.
  /** @param {Action} action */
  actNow(action) {
    this.queue.flush();
    this.run(action);
    this.paint();
  }

  // Carry out and show what earlier keys have asked for.
  catchUp() {
    if (!this.queue.waiting.length) return;
    this.queue.flush();
    this.paint();
  }

  /** @param {Action} action */
  run(action) {
    if (typeof action === "function") return action();
    const other = this.handsOver(action);
    (other ?? this).actions[action]();
    other?.paint();
  }

  paint() {
    for (const listener of this.listeners) listener(this.moment);
  }

  // Show a moment now.
  /** @param {number} step */
  go(step) {
    this.queue.flush();
    this.move(step);
    this.paint();
  }

  /** @param {number} step */
  move(step) {
    const wanted = Math.max(0, Math.min(this.last, Math.round(step) || 0));
    this.moment = this.reader.read(this.stops.gate(this.moment.step, wanted));
    this.selection.showInnermost();
  }

  /** @param {string} name */
  setGranularity(name) {
    if (GRANULARITIES.includes(name)) this.granularity = name;
  }

  cycleGranularity() {
    const useful = GRANULARITIES.filter((name) => this.navigator.stops(name) > 2);
    this.granularity = useful[(useful.indexOf(this.granularity) + 1) % useful.length] ?? this.granularity;
  }

  /** @param {Stop[]} list @param {Record<string, string>} [guesses] */
  setStops(list, guesses = {}) {
    this.stops = new Stops(list, guesses);
  }

  // Where the first stop, and a restart without a stop, lead to: a part of {step, views, granularity}.
  /** @param {Partial<Origin>} origin */
  setOrigin(origin) {
    Object.assign(this.origin, origin);
  }

  // Open a stop as it was meant to look.
  /** @param {Stop} stop */
  arrive(stop) {
    this.playback.set(false);
    this.follow();
    if (stop.views?.length) this.open.set(stop.views);
    if (stop.granularity) this.granularity = stop.granularity;
    this.move(stop.step);
  }

  // A clicker has no other key: where a stop waits for a guess, going on is going on without one.
  nextStop() {
    const { step } = this.moment;
    const waiting = this.stops.asking(step);
    if (waiting) this.stops.guess(waiting, "");
    const next = this.stops.after(step);
    const asked = this.stops.covering(step);
    if (asked && !(next && next.step <= showsAt(asked))) this.move(showsAt(asked));
    else if (next) this.arrive(next);
    else this.move(this.navigator.next(this.moment.step, this.granularity));
  }

  // Back to the start of this stop, after any mess.
  restart() {
    this.presenting.showPicture();
    this.arrive({ ...this.origin, ...this.stops.at(this.moment.step) });
  }

  // The bet is made; the next step goes on towards the answer.
  /** @param {Stop} stop @param {string} text */
  guess(stop, text) {
    this.stops.guess(stop, text);
  }

  /** @param {boolean} on */
  present(on) {
    this.presenting.turn(on);
    if (!on) this.open.showAll();
  }

  // Paint the entry that is described, and go on to the one beside it.
  /** @param {number} delta */
  paintSelected(delta) {
    if (!this.edit.shown || !this.moment.window) return;
    if (this.selection.selected === null) this.selection.selectBy(0);
    this.edit.paintEntry(this.selection.entry);
    if (delta) this.selection.selectBy(delta);
  }

  // The thing before or after in the scene; where it has none, or is not shown, the entry of the window.
  /** @param {number} by */
  choose(by) {
    if (this.open.isShown("scene") && this.things.list.length) this.things.move(by);
    else this.selection.selectBy(by);
  }

  // Go where the run goes into what is chosen; while entries are painted, paint the selected one.
  enter() {
    if (this.edit.shown) return this.paintSelected(0);
    const step = this.open.isShown("scene") ? this.things.enters(this.selection.selected) : -1;
    if (step < 0) return;
    this.things.clear();
    this.move(step);
  }

  toggleHelp() {
    this.helpShown = !this.helpShown;
  }

  toggleWords() {
    this.wordsShown = !this.wordsShown;
  }

  // Nothing selected, nothing opened beside the picture: the run alone.
  follow() {
    this.selection.clear();
    this.things.clear();
    this.zoom.pin("");
    this.helpShown = this.wordsShown = false;
    this.search.show(false);
    this.edit.hide();
    this.bookmarks.hideLink();
    this.open.showAll();
  }

  // Is there something that `follow`, or leaving the presentation, would take away?
  get showsMore() {
    const { search, bookmarks, open, selection, presenting } = this;
    const shown =
      this.helpShown ||
      this.wordsShown ||
      search.shown ||
      presenting.on ||
      selection.selected !== null ||
      this.things.current !== null;
    return shown || Boolean(bookmarks.text || open.spotlight);
  }

  destroy() {
    this.playback.set(false);
    this.edit.stop();
    this.listeners = [];
  }
}
