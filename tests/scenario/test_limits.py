"""What the model can't do it refuses, instead of answering wrongly."""

from __future__ import annotations

from typing import Any

import pytest

from thplab.scenario import Unsupported, experiment, run_scenario


def run(text: str, kernel: str, **settings: Any) -> str:
    events = run_scenario(experiment(text, **settings), kernel)["steps"][0]["wakeups"][0]["events"]
    return str(events[-1]["status"])


def test_holes_that_7_3_would_leave_to_smaller_sizes() -> None:
    sizes: dict[str, Any] = {"mthp_64": "always", "max_ptes_none": 0, "mthp_2048": "madvise"}
    text = "256x old, 256x none"
    assert run(text, "6.18", **sizes) == "exceed_none_pte"
    with pytest.raises(Unsupported, match="sizes below 2 MiB"):
        run(text, "7.3", **sizes)
    assert run(text, "7.3", max_ptes_none=0) == "exceed_none_pte"


def test_what_refuses_the_whole_window_is_the_same_in_all_sizes() -> None:
    text = "512x old"
    assert run(text, "7.3", mthp_64="always") == run(text, "7.3") == "lack_referenced_page"


def test_without_the_2_mib_size_only_smaller_ones_are_left() -> None:
    sizes: dict[str, Any] = {"mthp_64": "always", "mthp_2048": "never"}
    then = [{"type": "set", "settings": sizes}, {"type": "khugepaged"}]
    with pytest.raises(Unsupported, match="sizes below 2 MiB"):
        run_scenario(experiment("512x young", then=then), "7.3")
