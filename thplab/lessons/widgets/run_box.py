"""The state of an answer in code while it runs: that it runs, for how long, and a button that stops it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from html import escape

import ipywidgets as widgets

from thplab.lessons.kinds.coding import Attempt, Code
from thplab.lessons.kinds.simple import AnswerError
from thplab.lessons.trial.job import Outcome
from thplab.lessons.trial.trial import Trial

_SHOWN_AFTER = 0.4  # seconds: what is done sooner shows no state, which would only flicker
_TICK = 0.5  # seconds

#: Called with the text of the answer and what makes its value of it.
Done = Callable[[str, Callable[[str], Attempt]], object]


def printed_html(printed: str) -> str:
    """What an answer printed, as text."""
    if not printed:
        return ""
    return (
        '<div style="padding:2px 12px;line-height:1.4">Your code printed:</div>'
        '<pre tabindex="0" class="thplab-printed" style="margin:0 12px;max-height:16em;overflow:auto">'
        f"{escape(printed)}</pre>"
    )


class RunBox(widgets.HBox):
    """Beside the button that begins a run, and seen while it goes on."""

    def __init__(self, check: widgets.Button) -> None:
        """``check`` gets the focus back that was on Stop."""
        self._check = check
        self._trial: Trial | None = None
        self._task: asyncio.Task[None] | None = None
        self.stop_button = widgets.Button(description="Stop", button_style="danger", icon="stop")
        self.stop_button.on_click(lambda _: self._press_stop())
        self._said, self._time = widgets.HTML(), widgets.HTML()
        parts = [self.stop_button, self._said, self._time]
        super().__init__(parts, layout={"align_items": "center", "display": "none"})

    @property
    def busy(self) -> bool:
        """Does some code run?"""
        return self._task is not None and not self._task.done()

    def begin(self, kind: Code, text: str, done: Done) -> bool:
        """Run the code beside the notebook; False if there is no process or no loop for that."""
        try:
            loop = asyncio.get_running_loop()
            self._trial = kind.trial(text)
        except (RuntimeError, AnswerError):
            return False
        if not kind.warm():
            return False
        self._task = loop.create_task(self._follow(kind, text, done, self._trial))
        return True

    def stop(self) -> None:
        """End the code that runs, if any does."""
        if self._trial is not None:
            self._trial.stop()

    def _press_stop(self) -> None:
        self.stop()
        self._check.focus()

    async def _follow(self, kind: Code, text: str, done: Done, trial: Trial) -> None:
        result = asyncio.wrap_future(_in_thread(trial.result))
        await asyncio.wait({result}, timeout=_SHOWN_AFTER)
        while not result.done():
            self._show(trial.seconds)
            await asyncio.wait({result}, timeout=_TICK)
        self._hide()
        if self._trial is trial and self.comm is not None:
            outcome = result.result()
            done(text, lambda _: kind.settle(text, outcome))

    def _show(self, seconds: float | None) -> None:
        """Before the code runs, Python gets ready for it."""
        says = "Python is starting." if seconds is None else "Your code is running."
        self._said.value = f'<span role="status">{says}</span>'
        self._time.value = "" if seconds is None else f'<span aria-hidden="true">{seconds:.0f} s</span>'
        self.layout.display = None

    def _hide(self) -> None:
        self.layout.display, self._said.value = "none", ""

    def close(self) -> None:
        """Nobody waits for the code any more."""
        self.stop()
        self._trial = None
        super().close()


def _in_thread(work: Callable[[], Outcome]) -> Future[Outcome]:
    """Do some work in a thread that keeps nothing from ending."""
    future: Future[Outcome] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=do, daemon=True, name="thplab answer").start()
    return future
