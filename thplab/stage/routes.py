"""Several recordings side by side, each cut at the same moments: one small machine for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from thplab.reading.small_machine import SmallMachine
from thplab.stage.program import Programmed
from thplab.words import counted

MOMENTS = ("before", "at work", "after")


@dataclass(frozen=True, slots=True)
class Cut:
    """A machine at one moment, who waits then, and two lines on what comes of it."""

    machine: SmallMachine
    waits: str
    foot: tuple[str, str]
    working: bool

    @property
    def works(self) -> str:
        """Who runs."""
        return self.machine.task or "nobody"

    @property
    def sees(self) -> str:
        """What the program has of its window."""
        mapped = sum(page >= 0 for page in self.machine.maps)
        if self.machine.huge:
            return f"{mapped} pages in one"
        if self.machine.fenced:
            return "fenced off"
        return f"{mapped} of {len(self.machine.maps)} mapped" if mapped else "nothing yet"

    def to_data(self) -> dict[str, Any]:
        """For the browser."""
        machine = asdict(self.machine)
        end = "" if self.working else "huge" if self.machine.huge else "block" if self.machine.arcs else ""
        said = {"works": self.works, "waits": self.waits, "sees": self.sees, "foot": self.foot}
        return {**machine, **said, "working": self.working, "end": end}


@dataclass(frozen=True, slots=True)
class Route:
    """A recording that was cut at the moments: ``name`` is its colour's, ``when`` it comes."""

    name: str
    title: str
    when: str
    cuts: tuple[Cut, ...]

    def line(self, at: int) -> str:
        """A moment as text."""
        cut = self.cuts[at]
        what = f"works: {cut.works}; waits: {cut.waits}; A sees: {cut.sees}"
        free, whole = cut.machine.free, counted(len(cut.machine.whole), "block")
        return f"{self.title}: {what}; {free} frames free, {whole} whole. {': '.join(cut.foot)}."


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
            "routes": [
                {"name": r.name, "title": r.title, "when": r.when, "cuts": [c.to_data() for c in r.cuts]}
                for r in routes
            ],
            "sentences": [list(each) for each in sentences],
            "lines": self._lines,
        }
        super().__init__(data=data, **traits)

    @staticmethod
    def _text(routes: Sequence[Route], sentences: Sequence[tuple[str, str]], at: int) -> list[str]:
        return [f"{MOMENTS[at]}: {''.join(sentences[at])}", *(route.line(at) for route in routes)]

    def text(self, step: int | None = None) -> str:
        """A moment as text: the one that is shown, unless ``step`` names another."""
        return "\n".join(self._lines[self.shown if step is None else step])

    def __repr__(self) -> str:
        """All moments in words."""
        return "\n\n".join("\n".join(lines) for lines in self._lines)
