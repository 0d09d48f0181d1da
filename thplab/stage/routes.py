"""Several recordings side by side, each cut at the same moments: one small machine for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from thplab.reading.small_machine import SmallMachine
from thplab.stage.keys import KEYS
from thplab.stage.program import Programmed
from thplab.words import counted

MOMENTS = ("before", "at work", "after")
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Cut:
    """A machine at moment ``at`` of MOMENTS: who works, who waits, two lines on what comes of it.

    ``works``: "" for nobody. ``gained``: is a block whole now that was not?
    """

    machine: SmallMachine
    works: str
    waits: str
    foot: tuple[str, str]
    at: int
    gained: bool = False

    @property
    def sees(self) -> str:
        """What the program has of its window."""
        mapped = sum(page >= 0 for page in self.machine.maps)
        if self.machine.huge:
            return f"{mapped} in one entry"
        if self.machine.fenced:
            return "fenced off"
        return f"{mapped} of {len(self.machine.maps)} mapped" if mapped else "nothing yet"

    @property
    def end(self) -> str:
        """What has come of it: huge, a block, or nothing; "" before the end."""
        if MOMENTS[self.at] != "after":
            return ""
        return "huge" if self.machine.huge else "block" if self.gained else "nothing"

    def to_data(self) -> dict[str, Any]:
        """For the browser."""
        working = MOMENTS[self.at] == "at work"
        said = {"works": self.works or NOBODY, "waits": self.waits, "sees": self.sees, "foot": self.foot}
        return {**asdict(self.machine), **said, "working": working, "end": self.end}


@dataclass(frozen=True, slots=True)
class Route:
    """A recording that was cut at the moments: ``name`` is its colour's, ``when`` it comes.

    ``program``: whose window it is; ``others``: who else has pages.
    """

    name: str
    title: str
    when: str
    program: str
    others: str
    cuts: tuple[Cut, ...]

    def line(self, at: int) -> str:
        """A moment as text."""
        cut = self.cuts[at]
        what = f"works: {cut.works or NOBODY}; waits: {cut.waits}; {self.program} sees: {cut.sees}"
        free, whole = cut.machine.free, counted(len(cut.machine.whole), "block")
        return f"{self.title}: {what}; {free} frames free, {whole} whole. {': '.join(cut.foot)}."

    def to_data(self) -> dict[str, Any]:
        """For the browser."""
        said = {"name": self.name, "title": self.title, "when": self.when, "program": self.program}
        said["others"] = self.others
        return {**said, "cuts": [cut.to_data() for cut in self.cuts]}


class Routes(Programmed):
    """The widget. Traits: ``step`` (0, 1 or 2: go there), ``shown`` (where the reader is), ``theme``."""

    part = traitlets.Unicode("routes").tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    step = traitlets.Int(0, min=0, max=len(MOMENTS) - 1).tag(sync=True)
    shown = traitlets.Int(0).tag(sync=True)
    theme = traitlets.Enum(("", "light", "dark"), "").tag(sync=True)

    def __init__(self, routes: Sequence[Route], sentences: Sequence[tuple[str, str]], **traits: Any) -> None:
        """``sentences``: one for each moment, as the part in bold and the rest."""
        self._lines = [self._text(routes, sentences, at) for at in range(len(MOMENTS))]
        data = {
            "title": f"{len(routes)} machines side by side, {len(MOMENTS)} moments",
            "routes": [route.to_data() for route in routes],
            "sentences": [list(each) for each in sentences],
            "lines": self._lines,
        }
        super().__init__(data=data, **traits)
        self.add_class(KEYS)

    @staticmethod
    def _text(routes: Sequence[Route], sentences: Sequence[tuple[str, str]], at: int) -> list[str]:
        return [f"{MOMENTS[at]}: {''.join(sentences[at])}", *(route.line(at) for route in routes)]

    def text(self, step: int | None = None) -> str:
        """A moment as text: the one that is shown, unless ``step`` names another."""
        return "\n".join(self._lines[self.shown if step is None else step])

    def __repr__(self) -> str:
        """All moments in words."""
        return "\n\n".join("\n".join(lines) for lines in self._lines)
