"""What the notebooks are made of: questions, tables, and numbers taken apart.

A question's key is read from a run of the model; nothing here computes kernel behaviour. The names
are loaded when they are first asked for: only questions need the widget libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from thplab.table import Table

if TYPE_CHECKING:
    from thplab.lessons.before_after import pretest
    from thplab.lessons.catalogue import ask, predict, questions
    from thplab.lessons.progress_file import progress
    from thplab.lessons.runs.cases import cases_table
    from thplab.lessons.runs.chain import registration_table
    from thplab.lessons.runs.collapse_phases import (
        bytes_table,
        frames_table,
        lock_table,
        reached,
        rollback_table,
    )
    from thplab.lessons.runs.compare import (
        beside,
        free_table,
        model_backtrace,
        phases,
        stack_table,
        two_roads,
    )
    from thplab.lessons.runs.decode import decode_gfp, decode_page, split_address
    from thplab.lessons.runs.gdb import load_backtrace, parse_backtrace
    from thplab.lessons.runs.lanes import run_lanes
    from thplab.lessons.runs.looking import look
    from thplab.lessons.runs.passes import (
        already_huge_table,
        first_pass_of,
        naps_table,
        nofree_table,
        passes_table,
        speed_table,
        wait_sweep,
    )
    from thplab.lessons.runs.races import races_table
    from thplab.lessons.runs.scan_tables import pairs_table, versions_table
    from thplab.lessons.runs.scanners import (
        batches_table,
        blocks_table,
        comb_run,
        looks_table,
        proactive_rows,
    )
    from thplab.lessons.runs.stalls import bills_of_lanes, stall_table
    from thplab.lessons.runs.steps import subgoals
    from thplab.lessons.runs.verdict_gallery import gallery_table
    from thplab.lessons.sets import exit_ticket, recall
    from thplab.lessons.widgets.buttons import jumps
    from thplab.lessons.widgets.gallery_box import gallery
    from thplab.lessons.widgets.injector import RaceInjector
    from thplab.lessons.widgets.threshold_box import thresholds
    from thplab.reading.facts import (
        call_of,
        counter,
        free_frames,
        locks_held,
        rss_pages,
        span,
        trace_field,
    )

_HOME = {
    "RaceInjector": "widgets.injector",
    "already_huge_table": "runs.passes",
    "ask": "catalogue",
    "batches_table": "runs.scanners",
    "beside": "runs.compare",
    "bills_of_lanes": "runs.stalls",
    "blocks_table": "runs.scanners",
    "bytes_table": "runs.collapse_phases",
    "call_of": ".reading.facts",
    "cases_table": "runs.cases",
    "comb_run": "runs.scanners",
    "counter": ".reading.facts",
    "decode_gfp": "runs.decode",
    "decode_page": "runs.decode",
    "exit_ticket": "sets",
    "first_pass_of": "runs.passes",
    "frames_table": "runs.collapse_phases",
    "free_frames": ".reading.facts",
    "free_table": "runs.compare",
    "gallery": "widgets.gallery_box",
    "gallery_table": "runs.verdict_gallery",
    "jumps": "widgets.buttons",
    "load_backtrace": "runs.gdb",
    "lock_table": "runs.collapse_phases",
    "locks_held": ".reading.facts",
    "look": "runs.looking",
    "looks_table": "runs.scanners",
    "model_backtrace": "runs.compare",
    "naps_table": "runs.passes",
    "nofree_table": "runs.passes",
    "pairs_table": "runs.scan_tables",
    "parse_backtrace": "runs.gdb",
    "passes_table": "runs.passes",
    "phases": "runs.compare",
    "predict": "catalogue",
    "proactive_rows": "runs.scanners",
    "pretest": "before_after",
    "progress": "progress_file",
    "questions": "catalogue",
    "races_table": "runs.races",
    "reached": "runs.collapse_phases",
    "recall": "sets",
    "registration_table": "runs.chain",
    "rollback_table": "runs.collapse_phases",
    "rss_pages": ".reading.facts",
    "run_lanes": "runs.lanes",
    "span": ".reading.facts",
    "speed_table": "runs.passes",
    "split_address": "runs.decode",
    "stack_table": "runs.compare",
    "stall_table": "runs.stalls",
    "subgoals": "runs.steps",
    "thresholds": "widgets.threshold_box",
    "trace_field": ".reading.facts",
    "two_roads": "runs.compare",
    "versions_table": "runs.scan_tables",
    "wait_sweep": "runs.passes",
}

__all__ = [
    "RaceInjector",
    "Table",
    "already_huge_table",
    "ask",
    "batches_table",
    "beside",
    "bills_of_lanes",
    "blocks_table",
    "bytes_table",
    "call_of",
    "cases_table",
    "comb_run",
    "counter",
    "decode_gfp",
    "decode_page",
    "exit_ticket",
    "first_pass_of",
    "frames_table",
    "free_frames",
    "free_table",
    "gallery",
    "gallery_table",
    "jumps",
    "load_backtrace",
    "lock_table",
    "locks_held",
    "look",
    "looks_table",
    "model_backtrace",
    "naps_table",
    "nofree_table",
    "pairs_table",
    "parse_backtrace",
    "passes_table",
    "phases",
    "predict",
    "pretest",
    "proactive_rows",
    "progress",
    "questions",
    "races_table",
    "reached",
    "recall",
    "registration_table",
    "rollback_table",
    "rss_pages",
    "run_lanes",
    "span",
    "speed_table",
    "split_address",
    "stack_table",
    "stall_table",
    "subgoals",
    "thresholds",
    "trace_field",
    "two_roads",
    "versions_table",
    "wait_sweep",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
