"""The call stack in gdb's shape follows the machine: other data, another backtrace."""

from __future__ import annotations

import re

import pytest

from thplab.recording import backtrace, record_scenario
from thplab.scenario import scenario, vary

VMEMMAP = 0xFFFFEA0000000000  # x86-64, four levels, no address randomisation
SIZEOF_STRUCT_PAGE = 64


def at_allocation(kernel: str = "6.1", **changes: object) -> str:
    recording = record_scenario(vary(scenario("note"), **changes), kernel, depth="functions")  # type: ignore[arg-type]
    obtained = recording.find_call("page_rmappable_folio")
    assert obtained is not None
    return "\n".join(backtrace(recording, obtained))


def test_another_address_is_the_address_shown() -> None:
    address = 0x7F0000000000 + (37 << 21)
    text = at_allocation(address=address)
    assert re.findall(r"address=(\d+)", text) == [str(address)] * 2


@pytest.mark.parametrize("start_pfn", [0x366200, 0x10000, 0x123400])
def test_another_memory_gives_another_struct_page(start_pfn: int) -> None:
    """The machine is small and its lower part is in use: the folio lies at the next multiple of 512."""
    text = at_allocation(start_pfn=start_pfn)
    shown = int(re.search(r"page=(0x[0-9a-f]+)", text)[1], 16)  # type: ignore[index]
    pfn, rest = divmod(shown - VMEMMAP, SIZEOF_STRUCT_PAGE)
    assert rest == 0
    assert pfn % 512 == 0
    assert start_pfn <= pfn < start_pfn + 4608


@pytest.mark.parametrize("pages", [1, 100, 511])
def test_another_content_gives_another_count(pages: int) -> None:
    assert re.findall(r"referenced=(\d+)", at_allocation(written=[[0, pages]])) == [str(pages)]


def test_another_budget_is_the_pages_shown() -> None:
    assert "pages=1024)" in at_allocation(settings={"pages_to_scan": 1024})


def test_defrag_off_asks_without_direct_reclaim() -> None:
    """GFP_TRANSHUGE_LIGHT is GFP_TRANSHUGE without __GFP_DIRECT_RECLAIM (0x400)."""
    assert f"gfp={1844426 & ~0x400}" in at_allocation(settings={"khugepaged_defrag": 0})


def test_the_trace_of_another_content_counts_it() -> None:
    recording = record_scenario(vary(scenario("note"), written=[[0, 100]]), depth="events")
    line = next(line for line in recording.header["trace"] if line["event"] == "mm_khugepaged_scan_pmd")
    assert (line["fields"]["referenced"], line["fields"]["none_or_zero"]) == ("100", "412")


def test_a_moment_outside_every_function_has_no_frames() -> None:
    recording = record_scenario("note", depth="functions")
    assert backtrace(recording, 0) == []
    assert backtrace(recording, len(recording) - 1) == []
    with pytest.raises(IndexError, match="moments 0 to"):
        backtrace(recording, len(recording))


def test_numbers_stand_in_gdbs_columns() -> None:
    recording = record_scenario("note", depth="functions")
    deepest = max(range(len(recording)), key=lambda n: len(backtrace(recording, n)))
    for number, line in enumerate(backtrace(recording, deepest)):
        assert line.startswith(f"#{number:<2} ")
