// What is typed in something of ours stays there: no notebook and no deck takes it for a shortcut of its own. What
// has the class thplab-keys is ours; one guard for a page is enough, however many stages and boxes stand on it.
//
// Two kinds of listeners are to be kept out. JupyterLab and notebook 7 listen on the document and before all
// others; they look for shortcuts from the element with the focus upwards, and for none if that element has the
// attribute SILENT. VS Code (on the window) and reveal (on the document) listen after all others: a key that is not
// passed on above the outermost box never gets there.

const OURS = ".thplab-keys";
const SILENT = "data-lm-suppress-shortcuts";
const INSTALLED = Symbol.for("thplab.keys");

// With Ctrl, Alt or Cmd a key is the notebook's (Ctrl+S saves), less those that run, move, select, merge, split or
// undo cells: Enter, arrows and other keys that have a name, and a, m, -, z and y.
const OURS_IN_CHORDS = /^(..+|[amzy-])$/i;

// A slide that is gone, and what a blank stage hides, keep their places in the page.
const SEEN = { visibilityProperty: true, opacityProperty: true };

/** @param {KeyboardEvent} event */
function staysHere({ key, ctrlKey, metaKey, altKey }) {
  return !(ctrlKey || metaKey || altKey) || OURS_IN_CHORDS.test(key);
}

/** @param {EventTarget | null} node @returns {HTMLElement | null} */
const boxOf = (node) => (node instanceof Element ? node.closest(OURS) : null);

/** @param {EventTarget | null} node */
function outermostBox(node) {
  let box = boxOf(node);
  for (let above = box; above; above = boxOf(above.parentElement)) box = above;
  return box;
}

/** @param {KeyboardEvent} event */
function keep(event) {
  if (staysHere(event)) event.stopPropagation();
}

function makeGuard() {
  let silent = /** @type {Element | null} */ (null);
  let held = /** @type {Element | null} */ (null); // what had the focus last
  let last = /** @type {HTMLElement | null} */ (null); // and the box that it is in
  const keeps = new WeakSet();

  // One element at most is silent: one that stayed so would silence Ctrl+S for all that stands in it.
  /** @param {Element | null} node */
  const silence = (node) => {
    if (node === silent) return;
    silent?.removeAttribute(SILENT);
    node?.setAttribute(SILENT, "true");
    silent = node;
  };

  // A button that is drawn anew or greyed out loses the focus to the page. The reader is still in its box.
  /** @param {KeyboardEvent} event */
  const findAgain = (event) => {
    if (event.target !== document.body || !staysHere(event)) return;
    const left = held && !held.matches(":disabled") && held.checkVisibility(SEEN);
    if (left || !last?.checkVisibility(SEEN)) return;
    event.stopPropagation();
    makeFocusable(last).focus({ preventScroll: true });
    if (!last.dispatchEvent(new KeyboardEvent("keydown", event))) event.preventDefault();
  };

  return {
    /** @param {KeyboardEvent} event */
    keydown(event) {
      findAgain(event);
      const box = outermostBox(event.target);
      silence(box && staysHere(event) ? /** @type {Element} */ (event.target) : null);
      if (!box || keeps.has(box)) return;
      box.addEventListener("keydown", keep);
      keeps.add(box);
    },
    /** @param {Event} event */
    focusin({ target }) {
      held = /** @type {Element} */ (target);
      last = boxOf(target);
    },
    // A click beside the controls of a box puts the focus on the box, not on the cell around it.
    /** @param {Event} event */
    pointerdown({ target }) {
      const box = boxOf(target);
      if (box) makeFocusable(box);
    },
  };
}

/** @param {HTMLElement} box */
function makeFocusable(box) {
  if (!box.hasAttribute("tabindex")) box.tabIndex = -1;
  return box;
}

export function guardKeys() {
  const page = /** @type {any} */ (window);
  if (page[INSTALLED]) return;
  page[INSTALLED] = true;
  for (const [name, listener] of Object.entries(makeGuard()))
    window.addEventListener(name, /** @type {EventListener} */ (listener), true);
}
