"""Choose a scenario, a kernel and knobs, run, and step through what happened: controls around a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ipywidgets

from thplab.kernels import PROFILES, profile
from thplab.mm.include.errors import KernelError
from thplab.mm.include.geometry import X86_64, Geometry
from thplab.mm.include.knobs import Knobs
from thplab.mm.sysfs import KNOBS
from thplab.recording import Recording, RecordingTooLong, record_what_fits
from thplab.scenario import NAMED, Scenario, ScenarioError, Unsupported, scenario
from thplab.scenario.settings import SETTINGS
from thplab.stage.keys import KeptBox
from thplab.stage.widget import Stage

#: The knobs on the panel. The two sleeps are missing: a scenario asks for each wakeup itself.
SHOWN = (
    "max_ptes_none", "max_ptes_swap", "max_ptes_shared", "pages_to_scan", "enabled", "defrag",
    "khugepaged_defrag", "use_zero_page",
)  # fmt: skip


def _geometry(chosen: Scenario) -> Geometry:
    entries = chosen.machine.entries
    return X86_64 if entries == X86_64.HPAGE_PMD_NR else Geometry(entries)


class Knob(ipywidgets.VBox):  # type: ignore[misc] # the base class has no type information
    """One knob: what would be written to its file, and the kernel's answer if it refuses."""

    def __init__(self, name: str) -> None:
        """``name``: a key of SETTINGS."""
        self.name = name
        self.attribute = KNOBS[SETTINGS[name].file]
        wide = {"description_width": "11em"}
        common = {"description": name, "style": wide, "layout": ipywidgets.Layout(width="auto")}
        if self.attribute.words:
            self.field = ipywidgets.Dropdown(options=self.attribute.words, **common)
        else:
            self.field = ipywidgets.Text(continuous_update=False, **common)
        self.answer = ipywidgets.Label(layout=ipywidgets.Layout(display="none", height="auto"))
        super().__init__([self.field, self.answer], layout=ipywidgets.Layout(min_width="0"))

    def show(self, value: object, geometry: Geometry) -> None:
        """Show a value, and what the kernel takes with tables of this size."""
        self.field.value = str(value)
        self.field.tooltip = f"{SETTINGS[self.name].file}: {self.attribute.legal(geometry)}"
        self.say("")

    def read(self, geometry: Geometry) -> str | int:
        """The value, as the kernel parses it. Raises KernelError; what is allowed then stands below."""
        try:
            value = self.attribute.parse(self.name, self.field.value, geometry)
        except KernelError:
            self.say(f"✗ {self.attribute.legal(geometry)}")
            raise
        self.say("")
        return value

    def say(self, text: str) -> None:
        """Words under the knob."""
        self.answer.value = text
        self.answer.layout.display = "" if text else "none"


class Explorer(KeptBox):
    """A panel and a stage. ``result`` is the recording that is shown; ``stage`` the Stage.

    ``scenario_picker``, ``kernel_switch``, ``knobs`` (name -> Knob), ``knobs_button``, ``run_button`` and
    ``message`` are ipywidgets; setting their values and calling :meth:`run` is the same as using the mouse.
    """

    def __init__(
        self,
        which: Scenario | str = "note",
        kernel: str = "6.18",
        *,
        settings: Mapping[str, Any] | None = None,
        **traits: Any,
    ) -> None:
        """Record ``which`` with ``settings`` in place of its own, and show it; ``traits``: of the Stage.

        Raises ValueError for an unknown scenario, kernel or knob, KernelError for a value refused by one.
        """
        first = scenario(which) if isinstance(which, str) else which
        self.scenarios = {**NAMED, first.name: first}
        self.scenario_picker = ipywidgets.Dropdown(
            options=list(self.scenarios), value=first.name, description="Scenario",
            style={"description_width": "initial"}, layout=ipywidgets.Layout(width="16em"),
        )  # fmt: skip
        self.kernel_switch = ipywidgets.ToggleButtons(
            options=list(PROFILES), value=profile(kernel).name, style={"button_width": "4em"},
            layout=ipywidgets.Layout(width="auto"), tooltips=[f"Linux {name}" for name in PROFILES],
        )  # fmt: skip
        self.run_button = ipywidgets.Button(description="Run", icon="play", button_style="primary")
        self.reset_button = ipywidgets.Button(description="Reset knobs")
        self.knobs_button = ipywidgets.ToggleButton(
            description="Knobs", tooltip="Show or hide the knobs", layout=ipywidgets.Layout(width="auto")
        )
        self.knobs = {name: Knob(name) for name in SHOWN}
        self.message = ipywidgets.Label()
        for name in settings or {}:
            if name not in SHOWN:
                raise ValueError(f"settings: {name!r} is not on the panel; there are {', '.join(SHOWN)}")
        self._show_knobs(settings or {})
        self.result = self._record()
        self.stage = Stage(self.result, **traits)
        self._say_done()
        self._listen()
        super().__init__([self._panel(), self.stage])

    def _panel(self) -> ipywidgets.Widget:
        grid = ipywidgets.GridBox(
            list(self.knobs.values()),
            layout=ipywidgets.Layout(grid_template_columns="repeat(auto-fill, minmax(19em, 1fr))"),
        )
        # Tab reaches a button; it does not reach the header of an Accordion.
        self.drawer = ipywidgets.VBox([grid, self.reset_button], layout=ipywidgets.Layout(display="none"))
        wrap = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        pickers = [self.scenario_picker, ipywidgets.Label("Linux"), self.kernel_switch]
        row = ipywidgets.HBox([*pickers, self.knobs_button, self.run_button, self.message], layout=wrap)
        return ipywidgets.VBox([row, self.drawer])

    def _listen(self) -> None:
        self.run_button.on_click(lambda _: self._press())
        self.knobs_button.observe(lambda change: self._unfold(change["new"]), "value")
        self.reset_button.on_click(lambda _: self._show_knobs({}))
        self.scenario_picker.observe(lambda _: self._show_knobs({}), "value")
        for control in (self.kernel_switch, *(knob.field for knob in self.knobs.values())):
            control.observe(lambda _: self._say_changed(), "value")

    def _unfold(self, shown: bool) -> None:
        self.drawer.layout.display = "" if shown else "none"

    def _press(self) -> None:
        """Run, and let the next key step."""
        if self.run():
            self.stage.take_focus()

    @property
    def chosen(self) -> Scenario:
        """The scenario that is picked, with its own settings."""
        return self.scenarios[self.scenario_picker.value]

    def _show_knobs(self, settings: Mapping[str, Any]) -> None:
        """Show the scenario's settings, or the kernel's defaults, with ``settings`` on top."""
        geometry = _geometry(self.chosen)
        defaults = Knobs(geometry)
        for name, knob in self.knobs.items():
            usual = getattr(defaults, knob.attribute.field)
            knob.show({**self.chosen.settings, **settings}.get(name, usual), geometry)
        self._say_changed()

    def _say_changed(self) -> None:
        self.message.value = "Changed. Run shows what happens now."

    def _say_trying(self, what: str) -> None:
        self.message.value = f"{what} …"

    def _say_done(self) -> None:
        header = self.result.header
        length = f"{len(self.result)} moments, {len(header['trace'])} trace lines"
        if header["depth"] != "lines":
            length += f"; too long for its lines, so its {header['depth']} are shown"
        self.message.value = f"{header['title']}, Linux {header['kernel']}: {length}."

    def _settings(self) -> dict[str, Any]:
        """The scenario's settings and the knobs that differ from the kernel's defaults."""
        geometry = _geometry(self.chosen)
        defaults, found = Knobs(geometry), dict(self.chosen.settings)
        for name, knob in self.knobs.items():
            value = knob.read(geometry)
            if name in found or value != getattr(defaults, knob.attribute.field):
                found[name] = value
        return found

    def _record(self) -> Recording:
        chosen, settings = self.chosen, self._settings()
        if settings != dict(chosen.settings):
            raw = {**chosen.raw, "settings": {**chosen.raw.get("settings", {}), **settings}}
            chosen = replace(chosen, settings=settings, raw=raw)
        return record_what_fits(chosen, self.kernel_switch.value, tell=self._say_trying)

    def run(self) -> bool:
        """Record what is chosen and show it; False if it was refused: then the picture stays."""
        self.run_button.disabled = True
        self.message.value = "Recording …"
        try:
            self.result = self._record()
        except (KernelError, RecordingTooLong, ScenarioError, Unsupported) as error:
            self.message.value = f"✗ {error}"
            return False
        finally:
            self.run_button.disabled = False
        self.stage.show(self.result)
        self._say_done()
        return True


def explore(
    which: Scenario | str = "note",
    kernel: str = "6.18",
    *,
    settings: Mapping[str, Any] | None = None,
    **traits: Any,
) -> Explorer:
    """A stage with a scenario picker, a kernel switch and knobs; arguments as of :class:`Explorer`."""
    return Explorer(which, kernel, settings=settings, **traits)
