// Light or dark: what was asked for, else the notebook's theme, else the system's.

function wanted(theme) {
  if (theme === "light" || theme === "dark") return theme;
  const lab = document.body?.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false" ? "dark" : "light";
  if (document.body?.classList.contains("vscode-dark")) return "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// Keeps root.dataset.mode right; returns {set(theme), stop()}.
export function followTheme(root, theme) {
  let chosen = theme;
  const apply = () => (root.dataset.mode = wanted(chosen));
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", apply);
  const notebook = new MutationObserver(apply);
  notebook.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  apply();
  return {
    set(next) {
      chosen = next;
      apply();
    },
    stop() {
      system.removeEventListener("change", apply);
      notebook.disconnect();
    },
  };
}
