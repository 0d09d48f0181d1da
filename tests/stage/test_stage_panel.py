"""The panel around a stage, without a browser."""

from __future__ import annotations

import ipywidgets
import pytest

from tests.stage.conftest import SMALL
from thplab.kernels import PROFILES
from thplab.mm.include.errors import KernelError
from thplab.recording import record_scenario
from thplab.scenario import NAMED, Scenario
from thplab.stage import Explorer, explore
from thplab.stage.panel import SHOWN


@pytest.fixture
def panel() -> Explorer:
    return explore(Scenario.from_data(SMALL))


def trace_of(panel: Explorer) -> str:
    return "\n".join(panel.result.trace_lines(len(panel.result) - 1))


def test_it_offers_every_scenario_and_kernel(panel: Explorer) -> None:
    assert set(panel.scenario_picker.options) == {*NAMED, "small"}
    assert panel.kernel_switch.options == tuple(PROFILES)
    assert tuple(panel.knobs) == SHOWN
    assert isinstance(panel, ipywidgets.VBox)
    assert ipywidgets.Tab([panel]).children == (panel,)


def test_the_knobs_unfold_by_a_button(panel: Explorer) -> None:
    assert panel.drawer.layout.display == "none"
    panel.knobs_button.value = True
    assert panel.drawer.layout.display == ""
    panel.knobs_button.value = False
    assert panel.drawer.layout.display == "none"


def test_it_shows_the_settings_of_the_scenario_and_the_kernels_defaults(panel: Explorer) -> None:
    assert panel.knobs["max_ptes_none"].field.value == "4"
    assert panel.knobs["max_ptes_swap"].field.value == "2"  # an eighth of a table of 16 entries
    assert panel.knobs["enabled"].field.value == "madvise"
    panel.scenario_picker.value = "note"
    assert panel.knobs["max_ptes_none"].field.value == "511"


def test_a_turned_knob_decides(panel: Explorer) -> None:
    # The second window lies behind the first: 10 of 16 pages, 2 zero pages, 4 holes: 6 empty or zero.
    assert "exceed_none_pte" in trace_of(panel)
    panel.knobs["max_ptes_none"].field.value = "6"
    assert panel.message.value.startswith("Changed.")
    assert panel.run()
    assert "exceed_none_pte" not in trace_of(panel)
    assert panel.stage.recording == panel.result.to_bytes()
    assert panel.result.header["scenario"]["settings"]["max_ptes_none"] == 6
    panel.reset_button.click()
    assert panel.knobs["max_ptes_none"].field.value == "4"


@pytest.mark.parametrize("value", ["16", "-1", "many", ""])
def test_a_refused_value_keeps_the_picture(panel: Explorer, value: str) -> None:
    before = panel.result
    panel.knobs["max_ptes_none"].field.value = value
    panel.run_button.click()
    assert panel.result is before
    assert panel.stage.recording == before.to_bytes()
    assert panel.message.value.startswith(f"✗ EINVAL: max_ptes_none: {value!r} is not accepted")
    assert panel.knobs["max_ptes_none"].answer.value == "✗ an integer from 0 to 15"
    assert not panel.run_button.disabled
    panel.knobs["max_ptes_none"].field.value = "15"
    assert panel.run()
    assert panel.knobs["max_ptes_none"].answer.value == ""


def test_another_scenario_and_kernel(panel: Explorer) -> None:
    panel.scenario_picker.value = "S07.none_411"
    panel.kernel_switch.value = "6.1"
    panel.run_button.click()
    assert panel.result.to_bytes() == record_scenario("S07.none_411", "6.1").to_bytes()
    assert panel.message.value.startswith("S07.none_411, Linux 6.1: ")


def test_settings_and_traits_from_the_beginning() -> None:
    panel = explore("S07.none_411", "6.1", settings={"max_ptes_none": 412}, height=400)
    assert "status=succeeded" in trace_of(panel)
    assert panel.stage.height == 400
    with pytest.raises(KernelError, match="max_ptes_none: '512' is not accepted"):
        explore("note", settings={"max_ptes_none": 512})
    with pytest.raises(ValueError, match="no scenario"):
        explore("nope")
    with pytest.raises(ValueError, match="no kernel profile"):
        explore("note", "5.0")
    with pytest.raises(ValueError, match="'max_ptes_nun' is not on the panel; there are max_ptes_none, "):
        explore("note", settings={"max_ptes_nun": 1})
