// Light colours for Python source: strings, comments, keywords, the names of functions.

import { el } from "./dom.js";

/** @import { Piece } from "../types.js" */

const TOKENS =
  /("""[\s\S]*?"""|f?"[^"\n]*")|(#.*)|\b(def|return|if|else|elif|for|while|in|not|and|or|is|break|continue|None|True|False|yield|from|import|with|as|pass|assert|raise|class|lambda|try|except|finally)\b|(?<=\bdef )(\w+)/g;
const KINDS = ["string", "comment", "word", "name"];

// The lines of a text, each a list of its pieces [text, kind]; kind "" is plain.
/** @param {string} text @returns {Piece[][]} */
export function sourceLines(text) {
  const lines = /** @type {Piece[][]} */ ([[]]);
  /** @param {string} piece @param {string} kind */
  const add = (piece, kind) => {
    piece.split("\n").forEach((part, i) => {
      if (i) lines.push([]);
      if (part) lines[lines.length - 1].push([part, kind]);
    });
  };
  let last = 0;
  for (const match of text.matchAll(TOKENS)) {
    add(text.slice(last, match.index), "");
    add(match[0], KINDS[match.slice(1).findIndex((group) => group !== undefined)]);
    last = match.index + match[0].length;
  }
  add(text.slice(last), "");
  return lines;
}

// One line as an element, each token a span.
/** @param {Piece[]} pieces @param {number} number */
export function lineElement(pieces, number) {
  const tokens = pieces.map(([part, kind]) => (kind ? el("span", `ts-code-${kind}`, part) : part));
  const line = el("span", "ts-line", ...tokens);
  line.dataset.n = String(number);
  return line;
}
