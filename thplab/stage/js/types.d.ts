// The shapes that the modules of the stage share; `tsc` checks them, nothing of this reaches a browser.

import type { Finder } from "./data/finder.js";
import type { Frames } from "./data/frames.js";
import type { Knob } from "./data/knobs.js";
import type { Lanes } from "./data/lane_data.js";
import type { Machine } from "./data/machine.js";
import type { Moment, Reader } from "./data/moment.js";
import type { Navigator } from "./data/navigate.js";
import type { Timeline } from "./data/timeline.js";
import type { Grid } from "./draw/grid.js";
import type { PATHS } from "./draw/icons.js";
import type { Axis } from "./draw/lane_axis.js";
import type { Tiles } from "./draw/tiles.js";
import type { Actions } from "./state/actions.js";
import type { EditState } from "./state/edit_state.js";
import type { OpenViews } from "./state/open_views.js";
import type { Playback } from "./state/playback.js";
import type { Presenting } from "./state/presenting.js";
import type { Search } from "./state/search.js";
import type { Selection } from "./state/selection.js";
import type { Stage } from "./state/stage.js";
import type { Stops } from "./state/stops.js";
import type { Zoom } from "./state/zoom.js";

export type {
  Actions, Axis, EditState, Finder, Frames, Grid, Knob, Lanes, Machine, Moment, Navigator, OpenViews, Playback, Presenting, Reader,
  Search, Selection, Stage, Stops, Tiles, Timeline, Zoom,
};

// A recording: docs/recording-format.md says what each of these means.

export type Items = Uint8Array | Uint16Array | Uint32Array | Float64Array;

export interface Section {
  offset: number;
  length: number;
  type: "u8" | "u16" | "u32" | "f64";
  steps?: boolean;
}

export interface ObjectInfo {
  id: number;
  type: string;
  label: string;
  fields: string[];
  base: number;
  maps: Record<string, Record<string, ["object" | "column", number]>>;
}

export interface ColumnInfo {
  label: string;
  typecode: string;
  length: number;
  base: number;
  table_page: number | null;
}

export interface FunctionInfo {
  name: string;
  file: string;
  line: number;
  kernel_file: string;
  phase: string;
}

// What a field of the kernel or a local variable holds: null, a number, a text, or one of these with one key. It
// is as the recording says, so no type can say more.
export type Value = any;

export interface Header {
  format: number;
  title: string;
  story: string;
  kernel: string;
  geometry: Record<"entries" | "page_shift" | "pmd_shift" | "pud_shift" | "pgdir_shift", number>;
  sections: Record<string, Section>;
  objects: ObjectInfo[];
  columns: ColumnInfo[];
  values: Value[];
  functions: FunctionInfo[];
  labels: [name: string, args: string][][];
  sources: { file: string; kernel_file: string; text: string }[];
  names: string[];
  templates: { kind: string; rank: number; text: string; names: string[] }[];
  texts: string[];
  tasks: { comm: string; pid: number }[];
  trace: { text: string; event: string; fields: Record<string, any> }[];
  vmstat: string[];
  page_flags: Record<string, number>;
  focus: { mm: number; address: string } | null;
  windows: { mm: number | null; address: string }[];
  lanes: { comm: string; threads: number[]; mms: number[] }[];
  scenario: { settings?: Record<string, string | number> } | null;
  ledger: { parties: string[]; steps: string[]; source: string } | null;
  granularity: Record<string, string | null>;
}

// What a word means, and the term or name that it is.
export type Meaning = [term: string, meaning: string];

export type Values = Record<string, string | number>;

// What is told at a moment: the sentence, and the values in it.
export interface Sentence {
  moment: number;
  place: number;
  kind: string;
  rank: number;
  sentence: string;
  values: Values;
}

export interface Recording {
  header: Header;
  columns: Record<string, Items>;
}

// Values of cells: of each its kind, and the halves of 64 bits.
export interface Cells {
  kind: Uint8Array;
  lo: Uint32Array;
  hi: Uint32Array;
}

// The machine at a moment.

// An entry of a page table: 64 bits do not fit a number.
export interface Entry {
  lo: number;
  hi: number;
  cell: number;
  pfn: number;
  none: boolean;
}

export interface WalkStep {
  level: "PGD" | "PUD" | "PMD" | "PTE";
  index: number;
  entry: Entry;
  page: number;
}

export interface WindowPlace {
  mm: ObjectInfo | null;
  address: bigint;
}

export interface WindowState extends WindowPlace {
  entries: number;
  walk: WalkStep[];
  pmd: Entry | null;
  state: "table" | "leaf" | "fenced" | "empty" | "missing";
  table: ColumnInfo | null;
  page: number;
  keys: Uint8Array; // of each entry its number in the list of glyphs
  cursor: number;
}

export interface EntryState {
  index: number;
  address: bigint;
  key: Glyph;
  entry: Entry | null;
  page: number;
  cell: number;
}

export interface Frame {
  number: number;
  name: string;
  file: string;
  kernelFile: string;
  line: number;
  source: number; // number of its source, -1: not in the recording
  labels: [name: string, args: string][];
}

export interface Pageblock {
  number: number;
  first: number;
  end: number;
  type: string;
}

export interface Span {
  who: string;
  what: "runs" | "midst" | "moves" | "waits" | "holds";
  lock: number; // 0: none
  how: "read" | "write";
  first: number;
  end: number;
}

export interface LaneState {
  who: string;
  state: "runs" | "moves" | "midst" | "waits" | "rests";
  does: string;
  waitsFor?: number;
  held: Span[];
}

// The picture.

export type Mode = "light" | "dark";

export interface Glyph {
  key: string;
  glyph: string;
  name: string;
  light: [background: string, ink: string];
  dark: [background: string, ink: string];
}

// A piece of source and its kind, "" if it is plain.
export type Piece = [text: string, kind: string];

// A part of the stage: `update` writes what a moment shows, `settle` reads the layout once all have written.
export interface Part {
  root: HTMLElement;
  update(moment: Moment, stage: Stage): void;
  settle?(): void;
}

// A part with the picture or the text of a view. `measure` reads the layout before anything is written, when that
// costs nothing, and again after other views were opened.
export interface ViewPart {
  root: HTMLElement;
  measure?(): void;
  update(moment: Moment): void;
  settle?(): void;
}

// What views/NAME.js exports as NAMEView.
export interface ViewModule {
  summary?(moment: Moment): string; // the badge on its switch
  make(stage: Stage): ViewPart;
  lines(moment: Moment): string[]; // the same as text
}

// A scene: the large picture of one kind of work.

export interface Mark {
  k: string;
  tag: "rect" | "path" | "text";
  cls: string;
  at: Record<string, string | number>;
  text?: string;
  moves?: true | [x: number, y: number]; // from where it was; from there
  rows?: [left: number, right: number, pitch: number]; // it moves along the rows of a table
  turns?: [x: number, y: number, degrees: number]; // round a centre
  appears?: number; // milliseconds after the picture, if it is new
}

// What an element does until it is where its mark says.
export interface Motion {
  frames: Keyframe[];
  options: KeyframeAnimationOptions;
}

// A link of the chain that says where the run is.
export interface Crumb {
  scene: string;
  words: string;
}

// How a scene is looked at: CSS pixels; the layout of a phone; the entry that is selected or read, -1: none.
export interface Look {
  width: number;
  narrow: boolean;
  entry: number;
  chosen: string; // the key of the thing that is chosen, "": none
  painted: Map<number, string>; // what the reader wants entries to be
}

// What can be chosen in a scene: `here`, the run is at it; `enters`, the moment at which it goes into it, -1 never.
export interface Thing {
  key: string;
  words: string;
  here: boolean;
  enters(): number;
}

export interface ScenePart {
  name: string;
  state: "done" | "now" | "ended" | "later" | "failed"; // ended: now, and its end is told
  short?: boolean; // there is room for a mark alone
}

// What scenes/NAME.js exports as NAMEScene.
export interface SceneModule {
  height(look: Look): number;
  marks(moment: Moment, look: Look): Mark[];
  parts?(moment: Moment): ScenePart[];
  things?(moment: Moment): Thing[];
  thingAt?(moment: Moment, look: Look, x: number, y: number): string; // its key, "": none
  entryAt?(moment: Moment, look: Look, x: number, y: number): number; // at a place of the picture, -1: none
  saysEntry?(moment: Moment, entry: number): string; // an entry in words, ahead of its moment nothing
  entersEntry?(moment: Moment, entry: number): number; // the moment at which the run reads it, -1: never
  partsAreKnown?: boolean; // how many there are is known from the beginning
  lines(moment: Moment): string[]; // the picture's numbers as text
}

export interface Collapse {
  begin: Sentence;
  told: Sentence[];
  old?: { at: number; pages: number[] }; // what its entries mapped at a moment
}

export interface CollapseState {
  told: Sentence[];
  done: number; // the number of the phase that ended last
  phase: number; // the one that the sentence is about, from 0 on; as many as there are: all are done
  ends: boolean; // its end is told now
  now: number; // the entry at work, -1: none
  failed: Sentence | null;
  culprit: number; // the entry for which it failed, -1: none is known
  over: boolean; // it has let the others in, or has ended without a huge page
  begin: Values;
  block: number; // the first frame of the new block, -1: none yet
  copied: number; // so many entries
  flies: number[]; // entries whose contents move at this moment
  old: number[]; // of each entry the frame that it mapped, -1: none
}

// What units of a pass were spent on: so many, from so many on.
export interface Block {
  what: "visit" | "vma" | "window";
  mm: string;
  cost: number;
  from: number;
  huge: boolean; // the window was collapsed
  told: Sentence;
}

export interface PassState {
  begin: Sentence | null; // null: none has begun yet
  budget: number;
  spent: number;
  blocks: Block[];
  mms: Map<string, { spent: number; busy: boolean; seen: boolean }>; // by the names of processes
  last: Sentence | null;
  over: string; // why the pass is over, in a few words; "": it is not
  ended: boolean; // and khugepaged sleeps
  told: Sentence[]; // of all passes up to the moment
}

export interface PassTold {
  names: string[];
  at: number; // where the cursor is, -1: nowhere
  cursor: string;
  address: bigint; // where the next visit goes on
  laps: number;
  collapsed: number;
}

export interface Scan {
  begin: Sentence;
  reads: Sentence | null;
  verdict: Sentence | null;
  done: Sentence | null;
  states: string[]; // of each entry its letter in data/questions.js
}

// What came of a question: "counted": no, but only counted; "counts": yes, and counted; "without": neither.
export type Answer = "yes" | "no" | "counted" | "counts" | "without" | "unasked";

export interface ScanState {
  begin: Values;
  asks: string[]; // keys of the questions to each entry, in the kernel's order
  asksLast: string[]; // and of those at the end
  bound: boolean; // do the limits bind?
  states: string[] | null; // null: no table is found yet
  verdict: Sentence | null;
  veto: string; // the question that ended it, "" if none has
  done: Sentence | null;
  counts: Values;
  need: number; // so many pages must have been used lately
  read: number; // so many entries
  current: number; // the entry in hand, -1: none
  open: boolean; // it has not answered yet
}

// Another task in the middle of a collapse.
export interface Strike {
  who: string;
  changed: number[]; // entries of the table
  what: string; // its last step that was told, "" if none was
}

// A run of compaction: what is told of it from its beginning to its end.
export interface Compaction {
  begin: Sentence;
  told: Sentence[];
  usedAtBegin?: Uint8Array; // of each frame of the zone whether it is in use
}

// Frames of the zone, counted from its first one.
export interface CompactionBatch {
  from: number[];
  to: number[];
}

export interface CompactionState {
  run: Compaction;
  told: Sentence[]; // until now
  last: Sentence;
  values: Values; // the last ones that are known: those of the sentence that was told last
  ended: Sentence | null;
  migrate: number; // the readers' frames, -1: not placed
  free: number;
  begun: boolean; // the readers have their places
}

// A zone as the picture of compaction shows it: of each frame one of FRAMES, of each block what is free in it.
export interface ZoneFrames {
  name: string;
  first: number; // its first frame in memory
  size: number; // frames in a block
  skew: number; // so many frames of the first block lie before the zone
  kinds: Uint8Array;
  ofKind: number[][]; // the frames of each kind
  free: number[];
  whole: boolean[];
}

// A block's place in the picture, and the cells in it.
export interface BlockBox {
  x: number;
  y: number;
  w: number;
  h: number;
  columns: number;
  rows: number;
}

export type FaultAnswer = "yes" | "no";

export type ReadEntry = (table: ColumnInfo, index: number) => Entry;

export interface Fault {
  touch: Sentence;
  places: number[]; // of what is told of it
  from: number; // the first and the last moment, -1: not looked for yet
  end: number;
}

export type FaultOutcome = "" | "huge" | "late" | "zero" | "small" | "stopped";

export interface FaultState {
  mm: string;
  does: string; // "": the kernel touches the page for a system call
  address: bigint;
  walk: WalkStep[];
  covers: bigint[]; // bytes that an entry of each level covers
  pmd: "empty" | "table" | "huge";
  was: "empty" | "table" | "huge"; // at the touch
  answers: Record<string, FaultAnswer>; // by question
  outcome: FaultOutcome; // where the way leads, as far as it is known
  done: boolean;
  migrated: number; // pages that the program itself moved
  waited: number | null; // nanoseconds; null: the recording has no clock
  mapped: boolean[]; // of each entry of the window
  entry: number; // the one that was touched
}

export interface FaultBox {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface FaultWay {
  points: [x: number, y: number][];
  label: string;
}

export interface FaultPlaces {
  boxes: Record<string, FaultBox>;
  ways: Record<string, FaultWay>;
  touch: FaultBox;
  walk: FaultBox[];
  clock: FaultBox;
  cells: FaultBox;
}

// Three routes: what thplab/stage/routes.py has read from three recordings.

export interface RouteCut {
  works: string;
  waits: string;
  sees: string;
  frames: string; // a sign for each
  maps: number[];
  huge: boolean;
  fenced: boolean;
  working: boolean;
  whole: number[];
  arcs: [from: number, to: number][]; // blocks
  foot: [result: string, more: string];
  end: "" | "huge" | "block" | "nothing";
}

export interface Route {
  name: string;
  title: string;
  when: string;
  program: string; // whose window it is
  others: string; // who else has pages
  cuts: RouteCut[];
}

export interface RoutesData {
  title: string;
  routes: Route[];
  sentences: string[][]; // the part in bold, the rest
  lines: string[][];
}

// A window in the picture of an address space.
export interface SpaceWindow {
  address: bigint;
  index: number; // in its mapping
  name: string; // as sentences name it
  state: "huge" | "small" | "empty";
  table: number; // the frame of its table, -1: none
  told: Sentence | null; // what it cost last, and why
  count: number; // of entries that broke a limit
  read: number; // so many entries were read until one decided, -1: all
}

// A mapping, or neighbours without a whole window.
export interface SpaceRow {
  number: number; // of the first, from 1 on
  mappings: number;
  start: bigint;
  end: bigint;
  bytes: bigint;
  first: bigint; // its whole windows are from here on
  last: bigint; // to here
  file: boolean;
  over: Sentence | null; // that it was passed over
  units: number; // in this pass
  count: number; // of windows
  windows: SpaceWindow[]; // those around the cursor, if there are many
}

// Where a row is drawn, with its windows in so many lines.
export interface RowPlace {
  row: SpaceRow;
  lines: number;
  y: number;
  high: number;
}

// A row of views.json.
export interface ViewRow {
  name: string;
  title: string;
  place: "left" | "right" | "below";
  wide?: boolean;
}

export type View = ViewRow & Omit<ViewModule, "lines">;

// The stage.

export type IconName = keyof typeof PATHS;

export type Action = keyof Actions | (() => unknown);

// Where the stage was opened, or sent to.
export interface Origin {
  step: number;
  views: string[];
  granularity: string;
}

export type Pointed = { kind: "lock" | "mapping"; id: number } | { kind: "line"; id: [source: number, line: number] };

// A stop of a lecture or a lesson; docs/stage.md says what each key means.
export interface Stop {
  step: number;
  title?: string;
  views?: string[];
  granularity?: string;
  notes?: string;
  ask?: string;
  choices?: string[];
  answer?: string;
  shows?: number;
  evidence?: string[];
  hides?: string[];
  why?: Record<string, string>;
}

// What the edit row sends to Python, and what Python answers.
export interface EditMessage {
  edit: { at: number; paint: string; knobs: string; op: string; gap: string };
}

export interface EditAnswer {
  listening?: boolean;
  silent?: boolean;
  asleep?: string; // why Python was not even asked
  branched?: boolean;
  refused?: { field: string; text: string };
}

// Options of mount(); docs/stage.md, "In a page".
export interface Options {
  step?: number;
  views?: string[];
  granularity?: string;
  theme?: string;
  height?: number;
  stops?: Stop[];
  guesses?: Record<string, string>;
  bookmarks?: number[];
  link?: string;
  noEdit?: string;
  onStep?(step: number): void;
  onGuess?(guesses: Record<string, string>): void;
  onBookmarks?(steps: number[]): void;
  onEdit?: ((message: EditMessage) => void) | null;
}

export interface PairOptions extends Options {
  rows: string[][]; // differences, three texts each
  parted: number | null; // the first moment that differs
  joined: [first: number, second: number] | null; // a moment of each from which both go on alike
  edits?: string; // what is otherwise in the second
  onKeep?(): void;
  onAlone?(): void;
}

export interface Handle {
  root: HTMLElement;
  stage: Stage;
  go(step: number): void;
  text(): string;
  focus(): void;
  answer(message: EditAnswer): void;
  setGranularity(name: string): void;
  setStops(list: Stop[]): void;
  setBookmarks(steps: number[]): void;
  setTheme(name: string): void;
  setHeight(pixels: number): void;
  setViews(names: string[]): void;
  destroy(): void;
}

// What stands behind the widgets of a notebook.
export interface Kernel {
  answers(): boolean;
  listen(changed: () => void): () => void; // the answer may be another one; returns what ends listening
  touch(): void; // there is something to save
}

export interface Clock {
  timed: boolean;
  follow(from: Reader, to: Reader, moment: number): number;
}

export interface Pair {
  stages: Stage[];
  clock: Clock;
  moved(): void;
}
