// The stage: one recording, one moment, what is selected, which views are open. Views read it and draw.

import { EditState } from "./edit_state.js";
import { readEntry } from "../data/entries.js";
import { Finder } from "../data/finder.js";
import { Reader } from "../data/moment.js";
import { GRANULARITIES, Navigator } from "../data/navigate.js";
import { Queue } from "./queue.js";
import { firstAbove } from "../data/search.js";
import { Stops } from "./stops.js";

export const SPEEDS = [2, 5, 10, 30, 60];

export class Stage {
  constructor(recording) {
    this.reader = new Reader(recording);
    this.finder = new Finder(this.reader);
    this.stops = new Stops();
    this.handsOver = null; // (action) -> the stage beside this one, if that is the one to act
    this.origin = { step: 0, views: [], granularity: "line" }; // where it was opened, or sent to
    this.link = ""; // begins the text that opens a moment again
    Object.assign(this, {
      query: "",
      matches: [],
      findShown: false,
      stopsAtMatches: false,
      bookmarks: [],
      linkShown: "",
    });
    Object.assign(this, {
      presenting: false,
      presentingSince: 0,
      codeShown: false,
      blank: false,
      notesShown: false,
      spotlight: "",
    });
    this.navigator = new Navigator(this.reader);
    this.last = this.reader.last;
    this.granularity = "line";
    this.speed = 10;
    this.playing = false;
    this.selected = null; // entry of the window, or null: follow the run
    this.page = -1; // a page frame that was pointed at, or -1
    this.pointed = null; // {kind, id} of a lock, a mapping, a line of the source that was pointed at
    this.frameUp = 0; // how many frames up from the innermost the source shows
    this.views = new Set();
    this.edit = new EditState(this.reader.header.geometry.entries, () => this.paint());
    this.helpShown = false;
    this.moment = this.reader.read(0);
    this.listeners = [];
    this.queue = new Queue(
      (action) => this.run(action),
      () => this.paint(),
    );
    this.actions = this.makeActions();
  }

  makeActions() {
    const nav = this.navigator;
    const to = (find) => () => this.move(find(this.moment.step));
    return {
      next: to((n) => nav.next(n, this.granularity)),
      previous: to((n) => nav.previous(n, this.granularity)),
      nextFunction: to((n) => nav.next(n, "function")),
      previousFunction: to((n) => nav.previous(n, "function")),
      nextTrace: to((n) => nav.next(n, "tracepoint")),
      previousTrace: to((n) => nav.previous(n, "tracepoint")),
      nextEntry: to((n) => nav.next(n, "entry")),
      previousEntry: to((n) => nav.previous(n, "entry")),
      over: to((n) => nav.over(n)),
      out: to((n) => nav.out(n)),
      start: to(() => 0),
      restart: () => this.restart(),
      find: () => (this.findShown = true),
      closeFind: () => (this.findShown = false),
      nextMatch: to((n) => above(this.matches, n)),
      previousMatch: to((n) => below(this.matches, n)),
      stopAtMatches: () => (this.stopsAtMatches = !this.stopsAtMatches),
      nextVerdict: to((n) => above(this.finder.find("verdict"), n)),
      previousVerdict: to((n) => below(this.finder.find("verdict"), n)),
      nextLock: to((n) => above(this.finder.find("lock"), n)),
      previousLock: to((n) => below(this.finder.find("lock"), n)),
      nextTask: to((n) => above(this.finder.find("task"), n)),
      pointAtLine: () => this.pointAtLine(),
      edit: () => (this.edit.shown = !this.edit.shown),
      runEdit: () => this.edit.run(this.moment.step),
      paintEntry: () => this.paintSelected(0),
      paintOn: () => this.paintSelected(1),
      paintBack: () => this.paintSelected(-1),
      previousTask: to((n) => below(this.finder.find("task"), n)),
      bookmark: () => this.bookmark(),
      nextBookmark: to((n) => above(this.bookmarks, n)),
      previousBookmark: to((n) => below(this.bookmarks, n)),
      copyLink: () => (this.linkShown = `${this.link}${this.moment.step}`),
      nextStop: () => this.nextStop(),
      previousStop: () => this.arrive(this.stops.before(this.moment.step) ?? this.origin),
      blank: () => (this.blank = !this.blank),
      notes: () => (this.notesShown = !this.notesShown),
      code: () => (this.codeShown = !this.codeShown),
      end: to(() => this.last),
      lastChange: to((n) => this.lastChange(n)),
      play: () => this.setPlaying(!this.playing),
      tick: () => this.tick(),
      granularity: () => this.cycleGranularity(),
      faster: () => this.changeSpeed(1),
      slower: () => this.changeSpeed(-1),
      entryRight: () => this.selectBy(1),
      entryLeft: () => this.selectBy(-1),
      frameUp: () => this.selectFrame(this.frameUp + 1),
      frameDown: () => this.selectFrame(this.frameUp - 1),
      follow: () => this.follow(),
      text: () => this.toggle("text"),
      help: () => (this.helpShown = !this.helpShown),
    };
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  // Do something that a key or a button asks for.
  act(action) {
    this.queue.push(action);
  }

  // The same before anything else is typed: for what moves the focus.
  actNow(action) {
    this.queue.flush();
    this.run(action);
    this.paint();
  }

  run(action) {
    if (typeof action === "function") return action();
    const other = this.handsOver?.(action);
    (other ?? this).actions[action]();
    other?.paint();
  }

  paint() {
    for (const listener of this.listeners) listener(this.moment);
  }

  // Show a moment now.
  go(step) {
    this.queue.flush();
    this.move(step);
    this.paint();
  }

  move(step) {
    const wanted = Math.max(0, Math.min(this.last, Math.round(step) || 0));
    const to = this.stops.gate(this.moment.step, wanted);
    this.moment = this.reader.read(to);
    this.frameUp = 0;
  }

  setGranularity(name) {
    if (GRANULARITIES.includes(name)) this.granularity = name;
    this.paint();
  }

  cycleGranularity() {
    const useful = GRANULARITIES.filter((name) => this.navigator.stops(name) > 2);
    this.granularity = useful[(useful.indexOf(this.granularity) + 1) % useful.length] ?? this.granularity;
  }

  changeSpeed(by) {
    this.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(this.speed) + by))];
  }

  setPlaying(playing) {
    clearTimeout(this.timer);
    this.playing = playing;
    if (playing && this.moment.step === this.last) this.move(0);
    if (playing) this.timer = setTimeout(() => this.act("tick"), 1000 / this.speed);
  }

  tick() {
    if (!this.playing) return;
    const from = this.moment.step;
    const next = this.navigator.next(from, this.granularity);
    const match = this.stopsAtMatches ? above(this.matches, from) : from;
    const found = match > from && match <= next;
    this.move(found ? match : next);
    this.setPlaying(!found && this.moment.step > from && this.moment.step < this.last);
  }

  lookFor(query) {
    this.query = query;
    this.matches = this.finder.find(query);
  }

  bookmark() {
    const { step } = this.moment;
    const others = this.bookmarks.filter((each) => each !== step);
    this.bookmarks = others.length < this.bookmarks.length ? others : [...others, step].sort((a, b) => a - b);
  }

  // Open a stop as it was meant to look.
  arrive(stop) {
    this.setPlaying(false);
    this.follow();
    if (stop.views?.length) this.views = new Set(stop.views);
    if (stop.granularity) this.granularity = stop.granularity;
    this.move(stop.step);
  }

  // A clicker has no other key: where a stop waits for a guess, going on is going on without one.
  nextStop() {
    const waiting = this.stops.asking(this.moment.step);
    if (waiting) this.stops.guesses.set(waiting, "");
    const next = this.stops.after(this.moment.step);
    if (next) this.arrive(next);
    else this.move(this.navigator.next(this.moment.step, this.granularity));
  }

  // Back to the start of this stop, after any mess.
  restart() {
    const stop = this.stops.at(this.moment.step);
    Object.assign(this, { blank: false, codeShown: false, frameUp: 0 });
    this.arrive({ ...this.origin, ...(stop ?? {}) });
  }

  guess(stop, text) {
    this.stops.guesses.set(stop, text);
    this.move(this.moment.step + 1);
  }

  present(on) {
    this.presenting = on;
    this.presentingSince = Date.now();
    if (!on) Object.assign(this, { blank: false, notesShown: false, spotlight: "", codeShown: false });
  }

  // One view alone; once more: all again.
  spotlightOn(number) {
    const name = [...this.views][number - 1] ?? "";
    this.spotlight = this.spotlight === name ? "" : name;
  }

  isShown(name) {
    if (this.spotlight) return name === this.spotlight;
    const hidden = this.presenting && !this.codeShown && ["source", "variables"].includes(name);
    return this.views.has(name) && !hidden;
  }

  // The entry that views describe: the selected one, else the one the run looks at; -1 if neither.
  get entry() {
    return this.selected ?? this.moment.window?.cursor ?? -1;
  }

  // A frame of memory, and the entry of the window that maps it, or -1.
  pointAt(page, entry) {
    this.page = this.page === page ? -1 : page;
    this.selected = this.page < 0 || entry < 0 ? null : entry;
  }

  // Light a frame that is named elsewhere, and the entry that maps it.
  lightFrame(page) {
    this.page = page;
    const { window: w, reader } = this.moment;
    const entry = w
      ? Array.from(w.keys).findIndex((_, i) => readEntry(reader.machine, w, i).page === page)
      : -1;
    this.selected = entry < 0 ? null : entry;
  }

  // Point at a lock, a mapping, a line of the source; once more: at nothing.
  point(kind, id) {
    this.pointed = this.isPointed(kind, id) ? null : { kind, id };
  }

  isPointed(kind, id) {
    return this.pointed?.kind === kind && String(this.pointed.id) === String(id);
  }

  // The line that runs next.
  pointAtLine() {
    const { place } = this.moment;
    if (place) this.point("line", [place.source, place.line]);
  }

  select(entry) {
    this.page = -1;
    this.selected = this.selected === entry ? null : entry;
  }

  selectBy(delta) {
    if (!this.moment.window) return;
    this.page = -1;
    const { entries } = this.moment.window;
    this.selected = (Math.max(this.entry, 0) + (this.entry < 0 ? 0 : delta) + entries) % entries;
  }

  // Paint the entry that is described, and go on to the one beside it.
  paintSelected(delta) {
    if (!this.edit.shown || !this.moment.window) return;
    if (this.selected === null) this.selectBy(0);
    this.edit.paintEntry(this.selected);
    if (delta) this.selectBy(delta);
  }

  selectFrame(up) {
    this.frameUp = Math.max(0, Math.min(up, this.moment.stack.length - 1));
  }

  follow() {
    this.selected = null;
    this.page = -1;
    this.pointed = null;
    this.frameUp = 0;
    this.helpShown = false;
    this.findShown = false;
    this.edit.shown = false;
    this.linkShown = "";
    this.spotlight = "";
  }

  // The moment at which the described entry (or else the PMD) got the value it has.
  lastChange(step) {
    const { window } = this.moment;
    if (!window?.pmd) return step;
    const cell = this.entry < 0 ? window.pmd.cell : readEntry(this.reader.machine, window, this.entry).cell;
    const at = this.reader.timeline.lastChange(cell);
    return at < 0 ? 0 : at;
  }

  toggle(name) {
    if (!this.views.delete(name)) this.views.add(name);
  }

  destroy() {
    clearTimeout(this.timer);
    this.edit.stop();
    this.playing = false;
    this.listeners = [];
  }
}

// The item after, and before, a value in an ascending list; the value itself if there is none.
const above = (list, value) => list[firstAbove(list, value)] ?? value;
const below = (list, value) => list[firstAbove(list, value - 1) - 1] ?? value;
