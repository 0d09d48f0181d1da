// What keys and buttons can ask a stage to do, by name.

import { above, below } from "../data/lists.js";
import { crumbs } from "../data/places.js";

/** @import { Stage } from "../types.js" */
/** @param {Stage} stage */
/** @typedef {ReturnType<typeof makeActions>} Actions */

/** @param {Stage} stage */
export function makeActions(stage) {
  const { navigator, finder, search, selection, presenting, playback, bookmarks, edit, open, zoom, last } =
    stage;
  /** @param {(step: number) => number} find */
  const to = (find) => () => stage.move(find(stage.moment.step));
  /** @param {string} granularity */
  const next = (granularity) => to((n) => navigator.next(n, granularity));
  /** @param {string} granularity */
  const previous = (granularity) => to((n) => navigator.previous(n, granularity));
  /** @param {string} query */
  const nextOf = (query) => to((n) => above(finder.find(query), n));
  /** @param {string} query */
  const previousOf = (query) => to((n) => below(finder.find(query), n));
  return {
    next: to((n) => navigator.next(n, stage.granularity)),
    previous: to((n) => navigator.previous(n, stage.granularity)),
    nextFunction: next("function"),
    previousFunction: previous("function"),
    nextTrace: next("tracepoint"),
    previousTrace: previous("tracepoint"),
    nextEntry: next("entry"),
    previousEntry: previous("entry"),
    over: to((n) => navigator.over(n)),
    out: to((n) => navigator.out(n)),
    start: to(() => 0),
    end: to(() => last),
    restart: () => stage.restart(),
    find: () => search.show(true),
    closeFind: () => search.show(false),
    nextMatch: to((n) => search.after(n)),
    previousMatch: to((n) => search.before(n)),
    stopAtMatches: () => search.toggleStops(),
    nextVerdict: nextOf("verdict"),
    previousVerdict: previousOf("verdict"),
    nextLock: nextOf("lock"),
    previousLock: previousOf("lock"),
    nextTask: nextOf("task"),
    previousTask: previousOf("task"),
    pointAtLine: () => selection.pointAtLine(),
    // Before the answer of a question another future would tell it.
    edit: () => stage.stops.covering(stage.moment.step) || edit.toggle(),
    runEdit: () => edit.run(stage.moment.step),
    enter: () => stage.enter(),
    paintOn: () => stage.paintSelected(1),
    paintBack: () => stage.paintSelected(-1),
    bookmark: () => bookmarks.toggle(stage.moment.step),
    nextBookmark: to((n) => above(bookmarks.steps, n)),
    previousBookmark: to((n) => below(bookmarks.steps, n)),
    copyLink: () => bookmarks.showLink(stage.moment.step),
    nextStop: () => stage.nextStop(),
    previousStop: () => stage.arrive(stage.stops.before(stage.moment.step) ?? stage.origin),
    blank: () => presenting.toggle("blank"),
    notes: () => presenting.toggle("notes"),
    code: () => presenting.toggle("code"),
    lastChange: to(() => selection.lastChange()),
    play: () => playback.set(!playback.playing),
    tick: () => playback.tick(),
    granularity: () => stage.cycleGranularity(),
    faster: () => playback.changeSpeed(1),
    slower: () => playback.changeSpeed(-1),
    chooseNext: () => stage.choose(1),
    choosePrevious: () => stage.choose(-1),
    frameUp: () => selection.selectFrame(selection.frameUp + 1),
    frameDown: () => selection.selectFrame(selection.frameUp - 1),
    follow: () => stage.follow(),
    text: () => open.toggle("text"),
    lookInside: () => open.lookInside(),
    zoomOut: () => zoom.move(crumbs(stage.moment), -1),
    zoomIn: () => zoom.move(crumbs(stage.moment), 1),
    help: () => stage.toggleHelp(),
    words: () => stage.toggleWords(),
  };
}
