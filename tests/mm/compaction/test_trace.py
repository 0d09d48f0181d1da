"""The trace text of compaction: fields, order and words are the kernel's."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.mm.ftrace import FORMATS, NotAnEvent, parse, recorded
from thplab.experiments.comb import comb34
from thplab.mm.include.gfp import GFP_NORETRY, GFP_THISNODE, GFP_TRANSHUGE
from thplab.mm.include.trace_events import TRACE_EVENTS
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages

FILES = ("ftrace/compact_memory", "ftrace/kcompactd_proactive")
LANES = tuple(f"lanes/6.12-{lane}" for lane in ("I", "C16", "C2a", "G100", "JB", "JBp", "C-cache"))


@pytest.mark.parametrize("name", [*FILES, *LANES])
def test_recorded_lines_parse(name):
    """Does the parser read every line that a real kernel wrote?"""
    lines = list(recorded(name))
    assert len(lines) > 20
    for line in lines:
        parse(line)


def run_everything():
    """A comb on which direct compaction, kcompactd and a write to compact_memory have worked."""
    machine, _ = comb34()
    assert alloc_pages(machine.kernel, GFP_TRANSHUGE | GFP_NORETRY | GFP_THISNODE, 9) is not None
    machine.write_sysctl("compaction_proactiveness", 20)
    machine.write_sysctl("compact_memory", 1)
    return machine


def test_the_models_lines_parse():
    """Does the same parser read every line of the model?"""
    machine = run_everything()
    seen = {parse(event.text()).event for event in machine.trace}
    assert {
        "mm_compaction_begin",
        "mm_compaction_end",
        "mm_compaction_finished",
        "mm_compaction_suitable",
        "mm_compaction_isolate_migratepages",
        "mm_compaction_isolate_freepages",
        "mm_compaction_fast_isolate_freepages",
        "mm_compaction_migratepages",
        "mm_compaction_try_to_compact_pages",
        "mm_compaction_defer_reset",
        "mm_compaction_wakeup_kcompactd",
        "mm_compaction_kcompactd_sleep",
        "mm_migrate_pages",
    } <= seen


def test_a_dropped_field_is_rejected():
    """Is a line without one of its fields no line any more, for each event and field?"""
    by_name = {}
    for event in run_everything().trace:
        by_name.setdefault(event.name, event.text())
    dropped = 0
    for text in by_name.values():
        words = text.split(" ")
        for position, word in enumerate(words):
            if "=" in word and not word.startswith(("range=", "nr_split=")):
                with pytest.raises(NotAnEvent):
                    parse(" ".join(words[:position] + words[position + 1 :]))
                dropped += 1
    assert dropped > 40


@pytest.mark.parametrize(
    "swap", [("nr_scanned", "nr_taken"), ("nr_taken", "taken"), ("range=(", "range=["), ("ret=", "ret= ")]
)
def test_other_names_are_rejected(swap):
    """Is a line rejected whose field has another name or another shape?"""
    lines = [event.text() for event in run_everything().trace]
    line = next(line for line in lines if swap[0] in line)
    with pytest.raises(NotAnEvent):
        parse(line.replace(*swap))


def test_a_missing_field_is_noticed_when_it_is_printed():
    """Does the model itself refuse to print an event that lacks a field?"""
    with pytest.raises(KeyError):
        TRACE_EVENTS["mm_compaction_migratepages"].line({"nr_migrated": "1"})


def test_order_of_the_lines_of_a_batch():
    """Do the lines of one batch come in the order of the recorded run: isolate, targets, migrate?"""
    real = [[parse(line) for line in recorded(name)] for name in FILES]
    machine, _ = comb34()
    first = len(machine.trace)
    machine.write_sysctl("compact_memory", 1)
    ours = [parse(event.text()) for event in machine.trace[first:]]

    def followers(sequence):
        names = [event.event for event in sequence if event.event != "mm_migrate_pages"]
        return set(pairwise(names))

    assert followers(ours) <= followers(real[0]) | followers(real[1])
    assert ours[0].event == "mm_compaction_begin"
    assert ours[-1].event == "mm_compaction_end"
    assert ours[-1].fields["status"] == "complete"


def test_all_formats_are_known_to_the_model():
    """Does the model have every event of the reference's table?"""
    assert set(FORMATS) <= set(TRACE_EVENTS)
