"""The stage as a widget: a recording on the screen, sent once and stepped through in the browser."""

from __future__ import annotations

from typing import Any

import traitlets

from thplab.reading.compare import Comparison, compare
from thplab.reading.text import TextTwin
from thplab.recording import Recording, record_what_fits
from thplab.stage.branching import Branch, branch
from thplab.stage.editing import answer
from thplab.stage.link import link_text, open_link
from thplab.stage.program import Programmed
from thplab.stage.stops import VIEWS, check_stops

GRANULARITIES = ("event", "entry", "function", "tracepoint", "line", "pass")


def load_recording(source: Recording | bytes | str, kernel: str = "6.18") -> Recording:
    """A recording: itself, read from a file's bytes, or made by running a named scenario.

    A run that is too long to be recorded line by line is recorded by functions or events.
    Raises RecordingError for bytes that are none, ValueError for an unknown scenario or kernel.
    """
    if isinstance(source, str):
        return record_what_fits(source, kernel)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Recording.from_bytes(bytes(source))
    return source


#: Sets of views by what a lesson is about.
PRESETS: dict[str, list[str]] = {
    "first": [],
    "collapse": ["scene", "source", "stack", "locks"],
    "memory": ["scene", "memory", "buddy"],
    "space": ["scene", "space", "counters"],
    "locks": ["scene", "locks", "trace"],
    "lanes": ["lanes", "ledger"],
    "walk": ["scene", "walk", "memory"],
    "trace": ["scene", "trace", "counters"],
}


class _Views(traitlets.List[Any]):
    """A list of views, or the name of a preset."""

    def set(self, obj: Any, value: Any) -> None:
        """A name stands for the preset's views."""
        if isinstance(value, str):
            if value not in PRESETS:
                raise traitlets.TraitError(f"views: no preset {value!r}; there are {', '.join(PRESETS)}")
            value = list(PRESETS[value])
        super().set(obj, value)


def check_views(views: list[str]) -> list[str]:
    """``views`` if each is one of VIEWS. Raises TraitError that names the wrong one."""
    for name in views:
        if name not in VIEWS:
            raise traitlets.TraitError(f"views: {name!r} is not a view; there are {', '.join(VIEWS)}")
    return views


class Stage(Programmed):
    """Shows a recording; composes and links like any ipywidgets widget.

    Traits: ``step`` (int, Python to browser: go there), ``shown`` (int, browser to Python: where the
    reader is; link others to this one), ``granularity`` (one of GRANULARITIES), ``views`` (some of
    VIEWS or the name of one of PRESETS; empty: the scene alone), ``theme`` ("", "light" or "dark"; "":
    as the notebook), ``height`` (CSS pixels; 0: as high as it needs), ``stops`` (see
    :func:`check_stops`), ``guesses`` (browser to Python: the step of an asking stop, as text -> what
    was guessed), ``bookmarks`` (steps); ``second`` and ``differences`` are set by :meth:`beside`,
    ``wants_focus`` by :meth:`take_focus`.
    """

    part = traitlets.Unicode("stage").tag(sync=True)
    recording = traitlets.Bytes().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    shown = traitlets.Int(0).tag(sync=True)
    granularity = traitlets.Enum(GRANULARITIES, GRANULARITIES[0]).tag(sync=True)
    views = _Views(traitlets.Unicode()).tag(sync=True)
    theme = traitlets.Enum(("", "light", "dark"), "").tag(sync=True)
    height = traitlets.Int(0, min=0).tag(sync=True)
    stops = traitlets.List(traitlets.Dict()).tag(sync=True)
    guesses = traitlets.Dict().tag(sync=True)
    bookmarks = traitlets.List(traitlets.Int()).tag(sync=True)
    link = traitlets.Unicode().tag(sync=True)
    second = traitlets.Bytes().tag(sync=True)
    differences = traitlets.Dict().tag(sync=True)
    wants_focus = traitlets.Bool(False).tag(sync=True)

    def __init__(self, recording: Recording | bytes | str, *, kernel: str = "6.18", **traits: Any) -> None:
        """``recording``: a Recording, the bytes of one, or the name of a scenario to record.

        ``kernel`` is the profile that a named scenario runs under.
        """
        self._twin = TextTwin(load_recording(recording, kernel))
        self._at = 0
        self._second = b""
        self._bytes, link = self._twin.recording.to_bytes(), link_text(self._twin.recording)
        super().__init__(recording=self._bytes, link=link, **traits)
        self._comparison: Comparison | None = None
        self.on_msg(lambda _, content, __: answer(self, content))

    @traitlets.validate("step")
    def _check_step(self, proposal: Any) -> int:
        """Keep ``step`` inside the recording."""
        return max(0, min(int(proposal["value"]), len(self._twin.recording) - 1))

    @traitlets.validate("shown")
    def _check_shown(self, proposal: Any) -> int:
        """The same; a browser may still have shown another recording."""
        return max(0, min(int(proposal["value"]), len(self._twin.recording) - 1))

    @traitlets.validate("recording")
    def _check_recording(self, proposal: Any) -> bytes:
        if proposal["value"] != self._bytes:
            raise traitlets.TraitError("recording: it is not assigned; show(recording) puts one on the stage")
        return self._bytes

    @traitlets.validate("second")
    def _check_second(self, proposal: Any) -> bytes:
        if proposal["value"] not in (b"", self._second):
            raise traitlets.TraitError("second: it is not assigned; beside(recording) shows another one")
        return bytes(proposal["value"])

    @traitlets.validate("bookmarks")
    def _check_bookmarks(self, proposal: Any) -> list[int]:
        last = len(self._twin.recording) - 1
        if bad := [step for step in proposal["value"] if not 0 <= step <= last]:
            raise traitlets.TraitError(f"bookmarks: there is no moment {bad[0]}; allowed: 0 to {last}")
        return list(proposal["value"])

    @traitlets.validate("views")
    def _check_views(self, proposal: Any) -> list[str]:
        return check_views(proposal["value"])

    @traitlets.validate("stops")
    def _check_stops(self, proposal: Any) -> list[dict[str, Any]]:
        try:
            return check_stops(proposal["value"], len(self._twin.recording) - 1)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None

    @classmethod
    def from_link(cls, text: str, **traits: Any) -> Stage:
        """A stage on the moment that a text names: what the key ``y`` gives, or :meth:`link_to`.

        Raises ValueError for a text that is none, and as :func:`record_scenario` does.
        """
        recording, step = open_link(text)
        return cls(recording, step=step, **traits)

    def link_to(self, step: int | None = None) -> str:
        """The text that opens a moment again: the one that is shown, unless ``step`` names another."""
        return link_text(self._twin.recording, self._at if step is None else step)

    @traitlets.observe("step", "shown")
    def _note_place(self, change: Any) -> None:
        self._at = change["new"]

    def show(self, recording: Recording | bytes | str, *, kernel: str = "6.18") -> None:
        """Put another recording on the stage, from its beginning."""
        self._twin = TextTwin(load_recording(recording, kernel))
        with self.hold_sync():
            self.step = 0
            self.stops, self.bookmarks, self.guesses = [], [], {}
            self.link = link_text(self._twin.recording)
            self._bytes = self._twin.recording.to_bytes()
            self.recording = self._bytes
            self.alone()
        self._at = 0

    def branch(self, at: int | None = None, **edits: Any) -> Comparison:
        """Run on from a moment (the one that is shown) with something else, and show both futures.

        ``edits``: as of :func:`thplab.stage.branch`, which also says what is raised; then nothing changes.
        """
        recording = self._twin.recording
        found = compare(recording, branch(recording, self._at if at is None else at, **edits))
        self.beside(found)
        return found

    def beside(self, other: Comparison | Recording | Branch) -> Stage:
        """Show another recording beside this one, on one clock, with their differences; itself."""
        found = other if isinstance(other, Comparison) else compare(self._twin.recording, other)
        self._comparison = found
        with self.hold_sync():
            self.differences = found.to_data()
            self._second = found.second.to_bytes()
            self.second = self._second
        return self

    def alone(self) -> None:
        """Show this recording only."""
        self._comparison = None
        self.second = b""

    def keep_second(self) -> None:
        """Show the other recording only, at its moment that was the first to differ."""
        found = self._comparison
        if found is not None:
            self.show(found.second)
            self.go(found.parted or 0)

    def go(self, step: int) -> None:
        """Go to a moment, even if Python has sent the stage there before."""
        if step == self.step:
            self._at = self.step
            self.send({"go": self.step})
        else:
            self.step = step

    def take_focus(self) -> None:
        """Let the next key step: for a button of ours that leads to another moment, not for a cell that runs.

        A reader who has gone on to type somewhere else is left there.
        """
        self.wants_focus = True

    def text(self, step: int | None = None) -> str:
        """A moment as text: the one that is shown, unless ``step`` names another.

        IndexError outside the recording.
        """
        return self._twin.text(self._at if step is None else step)

    def __repr__(self) -> str:
        """Say what is shown, without the bytes."""
        return f"<Stage of {self._twin.recording!r} at moment {self._at}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and where widgets are off the moment as text."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = f"{self!r}\n\n{self.text()}"
        return bundle
