// What was pointed at, in words, and where something happens to it next.

import { button, el, setHidden, setText } from "../draw/dom.js";
import { pointedWords } from "./pointing.js";

export function makePointed(stage) {
  const words = el("span");
  const next = button("ts-link", "Go to the next moment at which something happens to it", () =>
    stage.act(() => stage.move(Number(next.dataset.step))),
  );
  const close = button("ts-link", "Point at nothing (Esc)", () => stage.act("follow"), "close");
  const root = el("div", "ts-pointed", words, next, close);
  root.setAttribute("role", "status");
  return {
    root,
    update(moment) {
      setHidden(root, !stage.pointed);
      if (!stage.pointed) return;
      const { text, next: step } = pointedWords(stage, moment);
      setText(words, text);
      setHidden(next, step < 0);
      next.dataset.step = step;
      setText(next, `next at moment ${step}`);
    },
  };
}
