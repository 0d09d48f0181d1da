"""How far a sweep is: a bar in a notebook, a line on a terminal, and nothing if it is soon over."""

from __future__ import annotations

import sys
import time
from typing import Any

__all__ = ["Progress"]

#: Seconds before anything is shown.
_PATIENCE = 2.0


class Progress:
    """``with Progress("coverage", 48) as progress:`` then ``progress.at(done)`` whenever more is done."""

    def __init__(self, title: str, total: int) -> None:
        """Nothing is shown yet."""
        self.title, self.total = title, total
        self._begun = time.monotonic()
        self._bar: Any = None
        self._line = 0

    def __enter__(self) -> Progress:
        """Begin to count the time."""
        self._begun = time.monotonic()
        return self

    def at(self, done: int) -> None:
        """So many are done."""
        passed = time.monotonic() - self._begun
        if passed < _PATIENCE:
            return
        left = f", about {passed / done * (self.total - done):.0f} s left" if done else ""
        text = f"{self.title}: {done} of {self.total}{left}"
        if _in_a_notebook():
            self._show_bar(done, text)
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r{text}{' ' * (self._line - len(text))}")
            sys.stderr.flush()
            self._line = len(text)

    def _show_bar(self, done: int, text: str) -> None:
        from IPython.display import display
        from ipywidgets import HTML, HBox, IntProgress

        if self._bar is None:
            self._bar = HBox([IntProgress(max=self.total), HTML()])
            display(self._bar)  # type: ignore[no-untyped-call]
        bar, label = self._bar.children
        bar.value, label.value = done, text

    def __exit__(self, *_: object) -> None:
        """Take it away again."""
        if self._bar is not None:
            self._bar.close()
        if self._line:
            sys.stderr.write(f"\r{' ' * self._line}\r")
            sys.stderr.flush()


def _in_a_notebook() -> bool:
    """Is there an IPython with a kernel, that is with somebody who can show widgets?"""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
