// What the words on the stage mean: under the pointer, and as a list by key.

import { termsIn } from "../data/words.js";
import { el, named, setHidden, updateList } from "../draw/dom.js";

/** @import { Part, Stage } from "../types.js" */

const LONGEST = 400; // letters of what the pointer is on: more is a whole view

// All that is written in the parts that are shown, word by word.
/** @param {Element} node @returns {string} */
function writtenIn(node) {
  if (node instanceof HTMLElement && node.hidden) return "";
  if (!node.children.length) return node.textContent ?? "";
  return [...node.childNodes]
    .map((each) => (each instanceof Element ? writtenIn(each) : each.textContent))
    .join(" ");
}

/** @param {[string, string][]} found */
const asText = (found) => found.map(([term, meaning]) => `${term}: ${meaning}`).join("\n");

// A browser shows the title of an HTML element, and the <title> in an SVG element.
/** @param {Element} node */
function explain(node) {
  const text = node.textContent ?? "";
  if (text.length > LONGEST || node.closest("[title]") || node.querySelector("title")) return;
  const found = termsIn(text);
  if (!found.length) return;
  if (node instanceof HTMLElement) node.title = asText(found);
  else {
    const title = document.createElementNS(node.namespaceURI, "title");
    title.textContent = asText(found);
    node.append(title);
    node.addEventListener("pointerleave", () => title.remove(), { once: true });
  }
}

// The sentence is another one at the next step, so what was said of the last one goes.
/** @param {HTMLElement} root */
export function explainWords(root) {
  const forget = (/** @type {Event} */ { target }) => {
    if (target instanceof HTMLElement && target.dataset.explained !== undefined) {
      target.removeAttribute("title");
      delete target.dataset.explained;
    }
  };
  root.addEventListener("pointerout", forget);
  root.addEventListener("pointerover", ({ target }) => {
    if (!(target instanceof Element)) return;
    const had = target.hasAttribute("title");
    explain(target);
    if (!had && target instanceof HTMLElement && target.title) target.dataset.explained = "";
  });
}

// The words of what is shown now, explained.
/** @param {Stage} stage @param {HTMLElement} frame @returns {Part} */
export function makeWords(stage, frame) {
  const list = el("dl");
  const root = named(el("div", "ts-meanings", list), "group", "What the words mean");
  return {
    root,
    update() {
      setHidden(root, !stage.wordsShown);
    },
    settle() {
      if (!stage.wordsShown) return;
      const parts = [...frame.children].filter((part) => part !== root);
      const found = termsIn(parts.map(writtenIn).join(" "));
      updateList(
        list,
        found.length ? found : [/** @type {[string, string]} */ (["", "No word here is in the glossary."])],
        () => el("div", "", el("dt"), el("dd")),
        (row, [term, meaning]) => {
          row.firstChild.textContent = term;
          row.lastChild.textContent = meaning;
        },
      );
    },
  };
}
