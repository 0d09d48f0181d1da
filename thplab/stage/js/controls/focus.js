// Where the keys go when another picture has taken the place of one, in a notebook.

/** @import { Handle } from "../types.js" */

// The reader has not gone on to write somewhere else.
/** @param {HTMLElement} host */
function isFree(host) {
  const { activeElement: now } = document;
  return !now || host.contains(now) || !now.matches(":read-write");
}

// `keep` before a picture goes: had it the focus? `give` once the next one is there: it gets the focus if it was in
// the one before, or if the model's `wants_focus` says that the reader has pressed something that led here. A cell
// that runs sets neither.
/** @param {any} model @param {HTMLElement} host */
export function makeFocus(model, host) {
  let had = false;
  const done = () => {
    model.set("wants_focus", false);
    model.save_changes();
  };
  return {
    keep() {
      had ||= host.contains(document.activeElement);
    },
    /** @param {Handle | null} handle */
    give(handle) {
      if (!handle) return;
      const lost = had && document.activeElement === document.body;
      const wanted = model.get("wants_focus");
      had = false;
      if (lost || (wanted && isFree(host))) handle.focus();
      if (wanted) setTimeout(done); // a change that is taken back while it is told is not sent
    },
  };
}
