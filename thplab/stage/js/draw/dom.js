// Making elements. Text only ever enters the page as text.

export function el(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

// "1 page", "2 pages".
export function counted(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

// What a node shows is written only if it is something else: a browser works out styles and layout for whatever is
// written. A text that takes another's place costs less in the other's node than in a new one.

export function setText(node, text) {
  const { firstChild: only } = node;
  if (only?.nodeType === Node.TEXT_NODE && !only.nextSibling) {
    if (only.data !== text) only.data = text;
  } else if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function setHidden(node, hidden) {
  if (node.hidden !== Boolean(hidden)) node.hidden = hidden;
}

// JupyterLab takes the keys of the focused element unless that element itself says otherwise.
export function keepKeys(node, label) {
  node.setAttribute("data-lm-suppress-shortcuts", "true");
  if (label) node.setAttribute("aria-label", label);
  return node;
}

// "light" or "dark": what pictures are drawn for that a style sheet does not reach.
export const modeOf = (node) => node.closest(".thplab-stage").dataset.mode;

export const paper = matchMedia("print"); // is this for a printer?

// Is something of it on the screen? On paper all is. Reads the layout.
export function inSight(node) {
  if (paper.matches) return true;
  const { left, right, top, bottom } = node.getBoundingClientRect();
  return right > 0 && bottom > 0 && left < window.innerWidth && top < window.innerHeight;
}

// A scrolling region that the keyboard can reach.
export function scroller(tag, className, label) {
  const node = keepKeys(el(tag, className), label);
  node.tabIndex = 0;
  node.setAttribute("role", "region");
  return node;
}

export function button(className, label, press, ...children) {
  const node = keepKeys(el("button", className, ...children), label);
  node.type = "button";
  node.title = label;
  node.addEventListener("click", press);
  return node;
}

// Lists that grow and shrink: item number i is made once and updated afterwards.
export function updateList(list, rows, make, update) {
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach((row, i) => {
    if (!list.children[i]) list.append(make(i));
    update(list.children[i], row, i);
  });
}
