// What the words on the stage mean: under the pointer, and as a list by key.

import { functionsOf, termsIn } from "../data/words.js";
import { el, named, setHidden, updateList } from "../draw/dom.js";

/** @import { Meaning, Part, Stage } from "../types.js" */

const LONGEST = 400; // letters of what the pointer is on: more is a whole view
const CODE = "ts-code"; // its words have their meaning under the pointer only

// All that is written in the parts that are shown, word by word.
/** @param {Element} node @returns {string} */
function writtenIn(node) {
  if (node.classList.contains(CODE) || !node.checkVisibility()) return "";
  if (!node.children.length) return node.textContent ?? "";
  return [...node.childNodes]
    .map((each) => (each instanceof Element ? writtenIn(each) : each.textContent))
    .join(" ");
}

/** @param {Meaning[]} found */
const asText = (found) => found.map(([term, meaning]) => `${term}: ${meaning}`).join("\n");

// A browser shows the title of an HTML element, and the <title> in an SVG element. What a button does is said before.
/** @param {Element} node @param {Map<string, Meaning>} own */
function explain(node, own) {
  const text = node.textContent ?? "";
  if (text.length > LONGEST || node.querySelector("title")) return;
  const before = node.closest("[title]")?.getAttribute("title") ?? "";
  const found = termsIn(`${text}\n${before}`, own);
  if (!found.length) return;
  if (node instanceof HTMLElement) {
    node.dataset.explained = node.title;
    node.title = [before, asText(found)].filter(Boolean).join("\n");
  } else {
    const title = document.createElementNS(node.namespaceURI, "title");
    title.textContent = asText(found);
    node.append(title);
    node.addEventListener("pointerleave", () => title.remove(), { once: true });
  }
}

// The sentence is another one at the next step, so what was said of the last one goes.
/** @param {Element} target */
function forget(target) {
  if (!(target instanceof HTMLElement) || target.dataset.explained === undefined) return;
  if (target.dataset.explained) target.title = target.dataset.explained;
  else target.removeAttribute("title");
  delete target.dataset.explained;
}

/** @param {HTMLElement} root @param {Stage} stage */
export function explainWords(root, stage) {
  root.addEventListener("pointerout", ({ target }) => target instanceof Element && forget(target));
  root.addEventListener("pointerover", ({ target }) => {
    if (!(target instanceof Element)) return;
    forget(target);
    explain(target, functionsOf(stage.reader));
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
      const found = termsIn(parts.map(writtenIn).join(" "), functionsOf(stage.reader));
      updateList(
        list,
        found.length ? found : [/** @type {Meaning} */ (["", "No word here is in the glossary."])],
        () => el("div", "", el("dt"), el("dd")),
        (row, [term, meaning]) => {
          row.firstChild.textContent = term;
          row.lastChild.textContent = meaning;
        },
      );
    },
  };
}
