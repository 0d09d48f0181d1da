"""Each name of the kernel that the model shows has a meaning, numbers a unit; which knobs matter is found."""

from __future__ import annotations

import pytest

from thplab.kernels import ScanResult
from thplab.mm.compaction.control import CompactResult
from thplab.mm.include.gfp import GFP_BITS
from thplab.mm.include.knobs import Knobs
from thplab.mm.include.mmzone import MIGRATE_NAMES
from thplab.mm.include.page import PAGE_FLAGS
from thplab.mm.include.sysctl import Sysctl
from thplab.mm.include.trace_events import TRACE_EVENTS
from thplab.mm.include.vm_event_item import EVENTS
from thplab.reading.kernel_words import anywhere, in_place, units, with_unit
from thplab.reading.knobs import knob_readers, knobs_that_matter
from thplab.recording import record_scenario


def test_each_name_of_the_model_has_a_meaning() -> None:
    every, places = anywhere(), in_place()
    assert {*EVENTS, *TRACE_EVENTS, *MIGRATE_NAMES, *(f"__GFP_{name}" for name in GFP_BITS)} <= set(every)
    assert {*Knobs.__slots__, *Sysctl.__slots__} <= set(every) | set(places["knob"])
    assert {field for event in TRACE_EVENTS.values() for field in event.fields} <= {
        *places["field"],
        "start_pfn",
        "end_pfn",
    }
    assert {result.value for result in ScanResult} <= set(places["result"])
    assert {name.lower() for name in CompactResult.__members__} <= set(places["result"])
    assert set(PAGE_FLAGS) == set(places["page flag"])
    assert all(meaning for names in (every, *places.values()) for meaning in names.values())


def test_no_name_is_explained_that_the_model_has_not() -> None:
    numbers = {*EVENTS, *Knobs.__slots__, *Sysctl.__slots__, "pages_collapsed", "full_scans", "rss"}
    assert set(units()) == numbers
    assert {name for name in anywhere() if name.startswith("mm_")} == set(TRACE_EVENTS)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("pgfault", 1, "1 fault"), ("thp_collapse_alloc", 2, "2 huge pages"), ("rss of app", 0, "0 pages"),
        ("khugepaged/full_scans", 3, "3 laps"), ("scan_sleep_millisecs", 10, "10 ms"),
        ("enabled", "madvise", "madvise"),
        ("use_zero_page", 1, "1 (on)"), ("use_zero_page", 0, "0 (off)"), ("drop_caches", 3, "3"),
    ],
)  # fmt: skip
def test_a_number_has_its_unit(name: str, value: object, text: str) -> None:
    assert with_unit(name, value) == text


def test_who_reads_a_knob() -> None:
    readers = knob_readers()
    assert set(readers["scan_pmd"]) == {"max_ptes_none", "max_ptes_swap", "max_ptes_shared"}
    assert readers["create_huge_pmd"] == ("use_zero_page",)
    every = {name for names in readers.values() for name in names}
    assert every == {*Knobs.__slots__, *Sysctl.__slots__} - {"drop_caches"}  # whose write is all that it does


def test_a_knob_matters_if_it_is_set_or_read() -> None:
    scan = knobs_that_matter(record_scenario("S07.none_411", depth="functions").header)
    assert {"max_ptes_none", "pages_to_scan"} <= scan
    assert "use_zero_page" not in scan
    assert knobs_that_matter({"scenario": {"settings": {"mthp_64": "always"}}, "functions": []}) == {
        "mthp_enabled"
    }
