"""Moments, finding, and when something last changed."""

from __future__ import annotations

import pytest

from tests.recording.small import collapse
from thplab.recording import Recording


def test_the_first_moment_is_before_everything_and_the_last_behind(note: Recording) -> None:
    assert note.stack(0) == note.stack(len(note) - 1) == []
    assert note.trace_lines(0) == []
    assert len(note.trace_lines(len(note) - 1)) == len(note.header["trace"])
    assert note.moment(0).changes == 0
    assert note.moment(len(note) - 1).changes == len(note.sections["c_cell"])


def test_find_goes_both_ways_over_every_kind(calls: Recording) -> None:
    for kind in ("call", "return", "event", "verdict", "change"):
        forwards, n = [], calls.find(kind, -1)
        while n is not None:
            forwards.append(n)
            n = calls.find(kind, n)
        backwards, n = [], calls.find(kind, len(calls), forwards=False)
        while n is not None:
            backwards.append(n)
            n = calls.find(kind, n, forwards=False)
        assert forwards == backwards[::-1]
        assert forwards
    assert calls.find("line", -1) is None


def test_find_a_named_function_or_event(note: Recording) -> None:
    call = note.find("call", 0, name="collapse_huge_page")
    assert call is not None
    assert note.moment(call).function == "collapse_huge_page"
    event = note.find("event", call, name="mm_collapse_huge_page")
    assert event is not None
    assert note.trace_lines(event)[-1].split(": ")[1] == "mm_collapse_huge_page"
    assert note.find("call", 0, name="no_such_function") is None
    assert note.find_call("collapse_huge_page") == call
    assert note.find_call("collapse_huge_page", call) is None


def test_a_verdict_is_where_a_function_returns_a_scan_result(refused: Recording) -> None:
    verdict = refused.find("verdict", -1)
    assert verdict is not None
    assert refused.moment(verdict).function == "scan_pmd"
    assert "412 count as empty, and only 411 may (max_ptes_none)" in refused.sentence(verdict)


def test_an_unknown_kind_is_refused_with_the_known_ones(calls: Recording) -> None:
    allowed = "line, call, return, event, switch, verdict, change"
    with pytest.raises(ValueError, match=f"kind 'step'; allowed: {allowed}"):
        calls.find("step", 0)


def test_a_change_is_a_moment_whose_state_differs() -> None:
    made = collapse(depth="functions")
    changed = set()
    n = made.find("change", -1)
    while n is not None:
        changed.add(n)
        n = made.find("change", n)
    states = [made.state(number).bytes() for number in range(len(made))]
    differs = {n for n in range(1, len(made)) if states[n] != states[n - 1]}
    assert differs <= changed  # a change and its opposite between two moments leave the same bytes


def test_when_did_a_counter_last_change() -> None:
    made = collapse()
    cell = made.counter_cell("thp_collapse_alloc")
    when = made.last_change(cell, len(made) - 1)
    assert when is not None
    assert made.state(when - 1).cell(cell) == 0
    assert made.state(when).cell(cell) == 1
    assert made.stack(when)[0].function == "alloc_charge_folio"
    assert made.last_change(cell, when - 1) is None
    with pytest.raises(KeyError, match="no counter 'thp_nothing'"):
        made.counter_cell("thp_nothing")


def test_when_did_a_field_last_change() -> None:
    made = collapse()
    cell = made.cell_of("khugepaged.pages_collapsed")
    when = made.last_change(cell, len(made) - 1)
    assert when is not None
    assert (made.state(when - 1).cell(cell), made.state(when).cell(cell)) == (0, 1)
    with pytest.raises(KeyError, match="has no field 'pages'"):
        made.cell_of("khugepaged.pages")


def test_when_did_an_entry_last_change() -> None:
    """Entry 3 of the window's table is cleared when the old pages are freed; the PMD is set later."""
    made = collapse()
    isolate = made.find_call("__collapse_huge_page_isolate")
    assert isolate is not None
    copied = made.find_call("__collapse_huge_page_copy_succeeded")
    assert copied is not None
    tables = made.state(isolate).root.maps["tables"]
    full = [page for page in tables if sum(map(bool, made.state(isolate).table(page))) == 8]
    assert len(full) == 1
    cell = made.entry_cell(full[0], 3)
    when = made.last_change(cell, len(made) - 1)
    assert when is not None
    assert when > copied
    assert made.state(when).cell(cell) == 0 != made.state(when - 1).cell(cell)
    with pytest.raises(IndexError, match="entries 0 to 7"):
        made.entry_cell(full[0], 8)
    with pytest.raises(KeyError, match="no page table ever stood in frame"):
        made.entry_cell(127, 0)


def test_when_did_a_frame_last_change() -> None:
    """The huge page's first frame: mapped at the very end, after it was allocated."""
    made = collapse()
    obtained = made.find_call("page_rmappable_folio")
    published = made.find_call("_publish_huge_pmd")
    assert obtained is not None
    assert published is not None
    page = made.state(len(made) - 1).path("mem_map.start_pfn")
    heads = [pfn for pfn in range(page, page + 128, 8) if _is_new_head(made, pfn, obtained)]
    assert len(heads) == 1
    cells = made.frame_cells(heads[0])
    when = made.last_change(cells, len(made) - 1)
    assert when is not None
    assert when > published
    before, after = made.state(when - 1), made.state(when)
    assert any(before.cell(cell) != after.cell(cell) for cell in cells)
    rest = [made.state(n) for n in (when, len(made) - 1)]
    assert all(rest[0].cell(cell) == rest[1].cell(cell) for cell in cells)
    with pytest.raises(IndexError, match="outside memory"):
        made.frame_cells(0x1FF)


def _is_new_head(made: Recording, pfn: int, obtained: int) -> bool:
    """Has the frame got its first reference just before ``obtained``?"""
    state = made.state(0)
    refcount = state.get(state.path("mem_map"), "refcount").base + pfn - state.path("mem_map.start_pfn")
    return (made.state(0).cell(refcount), made.state(obtained).cell(refcount)) == (0, 1)


def test_locals_are_those_of_the_line(note: Recording) -> None:
    scan = note.find_call("scan_pmd")
    assert scan is not None
    done = note.find("call", scan, name="collapse_huge_page")
    assert done is not None
    before = note.find("line", done, forwards=False)
    assert before is not None
    values = note.locals(before)
    assert values["referenced"] == 512
    assert (values["none_or_zero"], values["unmapped"]) == (0, 0)
    assert values["result"] == "SUCCEED"
    assert values["start_addr"] == 140576452247552


@pytest.mark.parametrize("name", ["event", "entry", "function", "tracepoint", "pass"])
def test_a_granularity_begins_at_the_start_and_ends_at_the_end(name: str, note: Recording) -> None:
    section = note.header["granularity"][name]
    stops = list(note.sections[section])
    assert stops == sorted(set(stops))
    assert stops[0] == 0
    assert stops[-1] == len(note) - 1


def test_lines_are_every_moment(note: Recording) -> None:
    assert note.header["granularity"]["line"] is None


def test_entries_come_one_by_one_in_each_loop_over_the_table(note: Recording) -> None:
    seen: dict[str, list[object]] = {}
    for n in list(note.sections[note.header["granularity"]["entry"]])[1:-1]:
        told = note.told(n)
        assert told is not None
        if "entry" in told.values:
            seen.setdefault(note.moment(n).function, []).append(told.values["entry"])
    for function in (
        "scan_pmd", "__collapse_huge_page_isolate", "__collapse_huge_page_copy",
        "__collapse_huge_page_copy_succeeded",
    ):  # fmt: skip
        assert seen[function][:512] == list(range(512))


def test_functions_tracepoints_and_passes_are_what_they_say(note: Recording) -> None:
    def stops(name: str) -> list[int]:
        return list(note.sections[note.header["granularity"][name]])[1:-1]

    assert all(note.moment(n).kind in ("call", "return") for n in stops("function"))
    assert [note.moment(n).kind for n in stops("tracepoint")] == ["event"] * len(note.header["trace"])
    assert [note.moment(n).function for n in stops("pass")] == ["khugepaged_do_scan"]
