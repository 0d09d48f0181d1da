// Light or dark: what was asked for, else the notebook's theme, else the system's.

import { paper } from "./dom.js";

/** @import { Mode } from "../types.js" */

const system = matchMedia("(prefers-color-scheme: dark)");

/** @param {string | undefined} theme @returns {Mode} */
function wanted(theme) {
  if (paper.matches) return "light";
  if (theme === "light" || theme === "dark") return theme;
  const lab = document.body?.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false" ? "dark" : "light";
  if (document.body?.classList.contains("vscode-dark")) return "dark";
  return system.matches ? "dark" : "light";
}

// Keeps root.dataset.mode right, and calls `changed` when it has become another; returns {set(theme), stop()}.
/** @param {HTMLElement} root @param {string | undefined} theme @param {() => void} changed */
export function followTheme(root, theme, changed) {
  let chosen = theme;
  const apply = () => {
    const mode = wanted(chosen);
    if (root.dataset.mode === mode) return;
    root.dataset.mode = mode;
    changed();
  };
  const media = [system, paper];
  for (const each of media) each.addEventListener("change", apply);
  const notebook = new MutationObserver(apply);
  notebook.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  root.dataset.mode = wanted(chosen);
  return {
    /** @param {string} next */
    set(next) {
      chosen = next;
      apply();
    },
    stop() {
      for (const each of media) each.removeEventListener("change", apply);
      notebook.disconnect();
    },
  };
}
