"""Trace lines as ftrace prints them."""

from __future__ import annotations

import re
import sys
import tracemalloc

import pytest

from tests.mm.lab import ADDRESS, COLLAPSE, ISOLATE, PAGE, SCAN, WINDOW, advise, app, fill, ready
from thplab.kernels import DEFAULT, ScanResult
from thplab.machine import Machine
from thplab.mm.include import trace_events
from thplab.mm.include.trace_events import TRACE_EVENTS, TraceEvent
from thplab.mm.trace import trace


def test_shape_of_a_line():
    """Is the line the one of the reference's sample, blank for blank?"""
    event = TraceEvent(
        "khugepaged",
        42,
        123_456_901_999,
        COLLAPSE,
        (("mm", "00000000a1b2c3d4"), ("isolated", "1"), ("status", "succeeded")),
    )
    assert event.text() == (
        "      khugepaged-42      [000] .....   123.456901: mm_collapse_huge_page: "
        "mm=00000000a1b2c3d4, isolated=1, status=succeeded"
    )
    assert (event.value("isolated"), event.value("mm")) == ("1", "00000000a1b2c3d4")
    with pytest.raises(KeyError):
        event.value("order")


@pytest.mark.parametrize(
    ("kernel", "scan", "isolate"),
    [
        (
            "6.18",
            "mm scan_pfn referenced none_or_zero status unmapped",
            "scan_pfn none_or_zero referenced status",
        ),
        (
            "6.1",
            "mm scan_pfn writable referenced none_or_zero status unmapped",
            "scan_pfn none_or_zero referenced writable status",
        ),
    ],
)
def test_fields_in_the_kernels_order(kernel, scan, isolate):
    """Which fields has each event, in which order, in this kernel?"""
    process = ready(kernel=kernel)
    process.machine.wake_khugepaged()
    fields = {event.name: " ".join(name for name, _ in event.fields) for event in process.machine.trace}
    assert fields == {SCAN: scan, ISOLATE: isolate, COLLAPSE: "mm isolated status"}


def test_values_of_a_full_window():
    """What do the three lines of a collapse say, and in which order do they come?"""
    process = ready(start_pfn=0x1000)
    machine = process.machine
    last = process.mm.kernel.mem_map.start_pfn + _page_of_last_pte(process)
    machine.wake_khugepaged()
    mm = machine.trace[1].value("mm")
    assert re.fullmatch("[0-9a-f]{16}", mm)
    assert [event.text().split(": ", 1)[1] for event in machine.trace] == [
        f"{ISOLATE}: scan_pfn={last:#x}, none_or_zero=0, referenced=512, status=succeeded",
        f"mm_collapse_huge_page: mm={mm}, isolated=1, status=succeeded",
        (
            f"{SCAN}: mm={mm}, scan_pfn={last:#x}, referenced=512, none_or_zero=0, "
            "status=succeeded, unmapped=0"
        ),
    ]
    assert {(event.comm, event.mm, event.address) for event in machine.trace} == {
        ("khugepaged", "app", ADDRESS)
    }


def _page_of_last_pte(process):
    from tests.mm.lab import page_at

    return page_at(process, ADDRESS + 511 * PAGE)


def test_no_page_looked_at_prints_minus_one():
    """What does scan_pfn say when the scan stopped before any page?"""
    process = app(2)
    process.write(ADDRESS, 1)
    advise(process, 2)
    process.machine.wake_khugepaged()
    second = [event for event in process.machine.trace if event.name == SCAN][1]
    assert (second.value("status"), second.value("scan_pfn")) == ("pmd_none", "0xffffffffffffffff")


def test_madvise_collapse_speaks_in_the_callers_name():
    """Whose comm and pid stand before the lines of MADV_COLLAPSE, and what is referenced?"""
    process = app()
    fill(process)
    process.madvise(ADDRESS, 512 * PAGE, "collapse")
    events = process.machine.trace
    assert [event.name for event in events] == [ISOLATE, COLLAPSE, SCAN]
    assert {(event.comm, event.pid) for event in events} == {("app", process.mm.task.pid)}
    assert (events[0].value("referenced"), events[2].value("referenced")) == ("0", "0")


def test_pointers_are_stable_and_differ():
    """Has each mm one pointer in all lines, different from another mm's?"""
    machine = Machine()
    for name in ("a", "b"):
        process = app(2, machine, name)
        fill(process, 0, 3)
        fill(process, 0, 3, ADDRESS + 512 * PAGE)
        process.madvise(ADDRESS, 1024 * PAGE, "collapse")
    pointers = {(event.mm, event.value("mm")) for event in machine.trace if event.name != ISOLATE}
    assert len(pointers) == 2
    assert len({pointer for _, pointer in pointers}) == 2


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("mm_khugepaged_scan_pdm", {}, "mm_khugepaged_scan_pdm"),
        ("mm_vmscan_kswapd_wake", {"nid": 0}, "has the fields nid, order, not nid"),
        ("mm_vmscan_kswapd_sleep", {"nid": 0, "order": 9}, "has the fields nid, not nid, order"),
        ("mm_khugepaged_scan", {"progress": 1, "full_scan_finished": True}, "has the fields mm, progress"),
    ],
)
def test_an_unknown_event_or_field_is_refused(name, values, says):
    """Is an event that is not in the registry refused, and one with other fields than it has there?"""
    kernel = Machine().kernel
    with pytest.raises(KeyError, match=says):
        trace(kernel, name, **values)
    assert kernel.tracing.nr_written == 0


def test_the_registry_asks_for_facts_that_there_are():
    """Is everything that an event needs a fact of a profile, and a field of the event?"""
    for event in TRACE_EVENTS.values():
        assert set(event.needs) <= {"", *event.fields}
        assert all(isinstance(getattr(DEFAULT, fact), bool) for fact in event.needs.values())


def test_an_event_that_this_kernel_lacks_is_not_written():
    """Is nothing written for an event that came later, and for a field nothing printed?"""
    old, new = Machine(kernel="6.18"), Machine(kernel="7.3")
    for machine in (old, new):
        process = machine.process("app")
        fields = {"progress": 1, "full_scan_finished": False}
        trace(machine.kernel, "mm_khugepaged_scan", mm=process.mm, **fields)
        trace(machine.kernel, COLLAPSE, mm=process.mm, isolated=True, status=ScanResult.SUCCEED, order=9)
    assert [event.name for event in old.trace] == [COLLAPSE]
    assert [event.name for event in new.trace] == ["mm_khugepaged_scan", COLLAPSE]
    assert old.trace[0].text().endswith("isolated=1, status=succeeded")
    assert new.trace[1].text().endswith("isolated=1, status=succeeded, order=9")


def test_the_ring_buffer_keeps_the_last_events_under_their_numbers(monkeypatch):
    """Are the oldest events of very many dropped, and do the numbers of the others stay?"""
    monkeypatch.setattr(trace_events, "MOST_EVENTS", 5)
    events = trace_events.Events()
    assert (len(events), events.lost, events == []) == (0, 0, True)
    written = [trace_events.TraceEvent("x", n, n, "x", ()) for n in range(12)]
    for number, event in enumerate(written, 1):
        events.append(event)
        assert len(events) == number
        assert events[-1] is event
    assert events.lost == 7
    assert list(events) == written[7:]
    for first in range(13):
        for end in range(13):
            assert events[first:end] == [event for event in written[first:end] if event.pid >= 7]
        assert events[first:] == [event for event in written[first:] if event.pid >= 7]
    assert [events[n] for n in range(7, 12)] == written[7:]
    for gone in (0, 6, -6, 12):
        with pytest.raises(IndexError):
            events[gone]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_many_passes_need_little_memory(monkeypatch):
    """Does what a daemon leaves behind in each pass stay bounded?"""
    monkeypatch.setattr(trace_events, "MOST_EVENTS", 2000)
    process = app(2)
    fill(process, 0, 1)
    process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
    process.machine.write_sysfs("khugepaged/scan_sleep_millisecs", 1)
    tracemalloc.start()
    try:
        process.machine.run_for(1000)
        before, _ = tracemalloc.get_traced_memory()
        process.machine.run_for(2000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert process.machine.kernel.khugepaged.passes > 3000
    assert after - before < 200_000  # 2000 passes; an event alone is 1 kB
