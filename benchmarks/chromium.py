"""What happens in a page: when a picture is painted, and what the page's own thread had to do for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["PAINTED", "Processor"]

#: ``painted()`` is kept with the time at which the next frame has been laid out, painted and handed on.
PAINTED = """
const frame = () => new Promise(requestAnimationFrame);
const handedOn = () => new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = done;
  port2.postMessage(0);
});
const painted = async () => { await frame(); await handedOn(); return performance.now(); };
"""


class Processor:
    """Milliseconds of processor time of the page's main thread: scripts, styles, layout, paint."""

    def __init__(self, page: Page) -> None:
        """Begin to count."""
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._before = self._now()

    def _now(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    def spent(self) -> float:
        """Since the last question, or the beginning."""
        now = self._now()
        spent, self._before = now - self._before, now
        return spent
