// The deck: reveal turns the slides, each stage comes to life shortly before its slide is shown.

const HEIGHT = 720;
const [LEAST, MOST] = [530, 668]; // pixels of a stage on a slide
const FOOT = 40; // below the last thing on a slide
const ZOOMS = [1, 0.95, 0.9, 0.85]; // of a stage
const PICTURE = 5.6; // pixels of the most that a picture may be high, for each per cent
const SMALLEST = 60; // per cent of the type on a slide with too much text

const deck = new Reveal({
  width: 1280,
  height: HEIGHT,
  margin: 0.01,
  center: false,
  hash: true,
  transition: "none",
  backgroundTransition: "none",
  slideNumber: "c/t",
  controls: false,
  keyboardCondition: (event) => !event.target.closest?.(".live"),
  plugins: [RevealNotes],
});
const stages = new Map(); // element -> the handle of its stage, or a promise of it

async function wake(element) {
  if (stages.has(element)) return stages.get(element);
  const text = document.getElementById(element.dataset.recording).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const made = mount(element, bytes, JSON.parse(element.dataset.options));
  stages.set(element, made);
  stages.set(element, await made);
  return stages.get(element);
}

// Text and pictures that are too large become smaller; a stage takes the room that the rest of the slide leaves.
function fit(slide) {
  const lives = [...slide.querySelectorAll(".live")];
  const height = (pixels) => {
    for (const element of lives) resize(element, pixels);
  };
  const free = () =>
    HEIGHT - FOOT - Math.max(0, ...[...slide.children].map((child) => child.offsetTop + child.offsetHeight));
  const texts = [...slide.children].filter((child) => !child.matches(".live, .notes, :has(.live)"));
  height(LEAST);
  for (let size = 100; size >= SMALLEST; size -= 5) {
    slide.style.fontSize = `${size}%`;
    slide.style.setProperty("--picture", `${size * PICTURE}px`);
    // Chromium keeps the old layout of tables in hidden fragments unless they are taken out once.
    for (const text of texts) text.style.display = "none";
    slide.getBoundingClientRect();
    for (const text of texts) text.style.display = "";
    if (free() >= 0) break;
  }
  height(Math.min(MOST, LEAST + Math.max(0, free()) / Math.max(1, lives.length)));
}

// A stage that is a little too high for its room becomes smaller; one that is much too high scrolls.
function resize(element, pixels) {
  const { root, setHeight, stage } = stages.get(element);
  if (!root) return; // it says in words why it can't be shown
  const asks = stage.stops.list.some((stop) => stop.ask); // a question will need room, too
  for (const zoom of asks ? ZOOMS.slice(-1) : [...ZOOMS, 1]) {
    element.style.zoom = zoom;
    setHeight(pixels / zoom);
    if (root.scrollHeight <= root.clientHeight + 1) return;
  }
}

async function prepare(slide) {
  if (!slide) return;
  const pictures = [...slide.querySelectorAll("img")].map((picture) => picture.decode());
  await Promise.allSettled([...[...slide.querySelectorAll(".live")].map(wake), ...pictures]);
  fit(slide);
}

const slideAfter = (slide) => deck.getSlides()[deck.getSlides().indexOf(slide) + 1];

async function shown({ currentSlide }) {
  await prepare(currentSlide);
  currentSlide.dataset.ready = "";
  setTimeout(() => prepare(slideAfter(currentSlide)), 200);
}

// What stands in a fragment that is still to come, or is gone again, is not there for any key.
const isShown = (element) => !element.closest(".fragment:not(.visible)");
const shownLives = () => [...deck.getCurrentSlide().querySelectorAll(".live")].filter(isShown);

// The stage of this slide whose stops a clicker walks: the one with the focus, else the first that has any.
function walked() {
  const lives = shownLives().filter((element) => stages.get(element)?.stage?.stops.list.length);
  return lives.find((element) => element.contains(document.activeElement)) ?? lives[0];
}

// A clicker knows two keys. They lead through the stops of the slide's stage, then to the next slide.
function click(forward) {
  const element = walked();
  const stage = element && stages.get(element).stage;
  const { step } = stage?.moment ?? {};
  const more =
    stage && (forward ? stage.stops.after(step) || stage.stops.covering(step) : stage.stops.before(step));
  if (more) return stage.act(forward ? "nextStop" : "previousStop");
  document.activeElement.blur();
  return forward ? deck.next() : deck.prev();
}

// Escape closes what is open in a stage; when nothing is, the keys are the deck's again.
function leave(stage) {
  if (!stage.showsMore) document.activeElement.blur();
}

document.addEventListener(
  "keydown",
  (event) => {
    const inside = event.target.closest?.(".live");
    const element = inside && isShown(inside) ? inside : null;
    if (inside && !element) document.activeElement.blur();
    const stage = element && stages.get(element)?.stage;
    if (["PageDown", "PageUp"].includes(event.key) && !stage?.presenting.on) {
      event.preventDefault();
      event.stopPropagation();
      click(event.key === "PageDown");
    } else if (stage && event.key === "Escape") leave(stage);
    else if (!element && event.key === "Enter" && event.target === document.body)
      shownLives()[0]?.querySelector(".thplab-stage")?.focus();
  },
  true,
);

deck.on("slidechanged", shown);
deck.on("fragmenthidden", ({ fragment }) => {
  for (const element of fragment.querySelectorAll(".live")) stages.get(element)?.stage?.playback.set(false);
  if (fragment.contains(document.activeElement)) document.activeElement.blur();
});
deck.on("fragmentshown", ({ fragment }) => fragment.scrollIntoView({ block: "nearest" }));
document.addEventListener("toggle", () => fit(deck.getCurrentSlide()), true); // code was unfolded
await deck.initialize();
if (/print-pdf/.test(location.search)) for (const slide of deck.getSlides()) await prepare(slide);
await shown({ currentSlide: deck.getCurrentSlide() });
