"""The race injector: choose who strikes and at which gap, run it, step through it."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from thplab import points
from thplab.lessons.runs.races import RACES, WHERE, Race, gap_words, race, race_name
from thplab.lessons.widgets.written import WrittenBox
from thplab.recording import Recording, record_scenario
from thplab.scenario import scenario
from thplab.stage import Stage

_WIDE = {"width": "min(100%, 46em)"}
_LABEL = {"description_width": "5em"}


class RaceInjector(WrittenBox):
    """Two lists, a button, what came of it, and a stage that shows the run.

    In Python: ``run("munmap", "write_locked")``, which returns what is said.
    """

    def __init__(self, kind: str = "pin", gap: str = "before_fence") -> None:
        """Begins with this race. ValueError for one that there is not."""
        first = race_name(kind, gap)
        self.kind = widgets.Dropdown(
            options=[(f"{words} ({name})", name) for name, (_, words) in RACES.items()],
            value=kind, description="Who?", style=_LABEL, layout=_WIDE,
        )  # fmt: skip
        self.gap = widgets.Dropdown(
            options=[(gap_words(each), each) for each in WHERE],
            value=gap, description="When?", style=_LABEL, layout=_WIDE,
        )  # fmt: skip
        button = widgets.Button(description="Run the race", button_style="primary")
        button.on_click(lambda _: self._press())
        self.said = widgets.HTML()
        recording = record_scenario(first, depth="functions")
        self.stage = Stage(recording, step=_collapse(recording))
        super().__init__([self.kind, self.gap, button, self.said, self.stage])
        self._say(race(kind, gap))

    def run(self, kind: str | None = None, gap: str | None = None) -> str:
        """Run the race that is chosen, or this one; what came of it."""
        kind = str(self.kind.value) if kind is None else kind
        gap = str(self.gap.value) if gap is None else gap
        name = race_name(kind, gap)
        self.kind.value, self.gap.value = kind, gap
        recording = record_scenario(name, depth="functions")
        self.stage.show(recording)
        self.stage.go(_collapse(recording))
        said = self._say(race(kind, gap))
        self.write()
        return said

    def _press(self) -> None:
        """Run the race that is chosen, and let the next key step it."""
        self.run()
        self.stage.take_focus()

    def _say(self, seen: Race) -> str:
        text = race_text(seen)
        self.said.value = (
            '<div role="status" aria-live="polite" style="line-height:1.4;padding:2px 8px;'
            f'border-left:4px solid #0072B2">{escape(text)}</div>'
        )
        return text

    def text(self) -> str:
        """What came of the race, and how to run another one."""
        said = race_text(race(str(self.kind.value), str(self.gap.value)))
        return f"{said}\nIn Python: _.run('munmap', 'write_locked')"


def _collapse(recording: Recording) -> int:
    """The first event of the first collapse; the run's beginning if there is none."""
    begin = recording.find_call(points.COLLAPSE)
    events = recording.sections[recording.header["granularity"]["event"]]
    return next((moment for moment in events if moment >= begin), 0) if begin else 0


def race_text(seen: Race) -> str:
    """What came of a race, in words."""
    story = scenario(race_name(seen.kind, seen.gap)).story
    end = "The collapse succeeded" if seen.status == "succeeded" else f"The collapse failed: {seen.status}"
    where = f", noticed in phase {seen.caught}" if seen.caught is not None else ""
    return f"{story} The other one acted {seen.ran}. {end}{where}."
