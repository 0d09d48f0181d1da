// Keys of the stage. They work wherever the focus is inside it, except in a list of choices.

const KEYS = {
  ArrowRight: "next", n: "next", PageDown: "next",
  ArrowLeft: "previous", b: "previous", PageUp: "previous",
  f: "nextFunction", F: "previousFunction", t: "nextTrace", T: "previousTrace",
  e: "nextEntry", E: "previousEntry", v: "over", o: "out", w: "lastChange",
  Home: "start", 0: "start", End: "end", " ": "play", ".": "faster", ",": "slower",
  g: "granularity", "]": "entryRight", "[": "entryLeft", u: "frameUp", d: "frameDown",
  Escape: "follow", x: "text", "?": "help", p: "present",
};

const SHIFTED = { ArrowRight: "nextFunction", ArrowLeft: "previousFunction" };

export const HELP = [
  ["→  n  PageDown", "step"],
  ["←  b  PageUp", "step back"],
  ["f  F", "next, previous call or return (also Shift+→, Shift+←)"],
  ["t  T", "next, previous trace line"],
  ["e  E", "next, previous table entry"],
  ["v  o", "over the calls of this line, out of this function"],
  ["Home  0", "to the start"],
  ["End", "to the end"],
  ["Space  ,  .", "play or pause; slower, faster"],
  ["g", "what a step is: line, entry, function, trace line, pass"],
  ["]  [", "select the next, the previous entry of the window"],
  ["w", "when did the selected entry last change? Go there"],
  ["u  d", "up and down the call stack"],
  ["Esc", "follow the run again"],
  ["x", "everything as text"],
  ["p", "full screen"],
  ["?", "these keys"],
];

export function listenToKeys(root, stage, present) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = (event.shiftKey && SHIFTED[event.key]) || KEYS[event.key];
    if (!action || event.target.tagName === "SELECT") return;
    if (event.target.tagName === "BUTTON" && event.key === " ") return;
    event.preventDefault();
    event.stopPropagation();
    if (action === "present") present();
    else stage.act(action);
  });
}
