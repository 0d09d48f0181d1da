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
    from thplab.lessons.buttons import jumps
    from thplab.lessons.cases import cases_table
    from thplab.lessons.catalogue import ask, predict, questions
    from thplab.lessons.chain import registration_table
    from thplab.lessons.collapse_phases import bytes_table, frames_table, lock_table, reached, rollback_table
    from thplab.lessons.compare import beside, free_table, model_backtrace, phases, stack_table, two_roads
    from thplab.lessons.decode import decode_gfp, decode_page, split_address
    from thplab.lessons.facts import call_of, counter, free_frames, locks_held, rss_pages, span, trace_field
    from thplab.lessons.gallery_box import gallery
    from thplab.lessons.gdb import load_backtrace, parse_backtrace
    from thplab.lessons.injector import RaceInjector
    from thplab.lessons.lanes import run_lanes
    from thplab.lessons.looking import look
    from thplab.lessons.passes import (
        already_huge_table,
        first_pass_of,
        naps_table,
        nofree_table,
        passes_table,
        speed_table,
        wait_sweep,
    )
    from thplab.lessons.progress_file import progress
    from thplab.lessons.races import races_table
    from thplab.lessons.scan_tables import pairs_table, versions_table
    from thplab.lessons.scanners import batches_table, blocks_table, comb_run, looks_table, proactive_rows
    from thplab.lessons.sets import exit_ticket, recall
    from thplab.lessons.seven_steps import subgoals
    from thplab.lessons.stalls import bills_of_lanes, stall_table
    from thplab.lessons.threshold_box import thresholds
    from thplab.lessons.verdict_gallery import gallery_table

_HOME = {
    "RaceInjector": "injector",
    "already_huge_table": "passes",
    "ask": "catalogue",
    "batches_table": "scanners",
    "beside": "compare",
    "bills_of_lanes": "stalls",
    "blocks_table": "scanners",
    "bytes_table": "collapse_phases",
    "call_of": "facts",
    "cases_table": "cases",
    "comb_run": "scanners",
    "counter": "facts",
    "decode_gfp": "decode",
    "decode_page": "decode",
    "exit_ticket": "sets",
    "first_pass_of": "passes",
    "frames_table": "collapse_phases",
    "free_frames": "facts",
    "free_table": "compare",
    "gallery": "gallery_box",
    "gallery_table": "verdict_gallery",
    "jumps": "buttons",
    "load_backtrace": "gdb",
    "lock_table": "collapse_phases",
    "locks_held": "facts",
    "look": "looking",
    "looks_table": "scanners",
    "model_backtrace": "compare",
    "naps_table": "passes",
    "nofree_table": "passes",
    "pairs_table": "scan_tables",
    "parse_backtrace": "gdb",
    "passes_table": "passes",
    "phases": "compare",
    "predict": "catalogue",
    "proactive_rows": "scanners",
    "pretest": "before_after",
    "progress": "progress_file",
    "questions": "catalogue",
    "races_table": "races",
    "reached": "collapse_phases",
    "recall": "sets",
    "registration_table": "chain",
    "rollback_table": "collapse_phases",
    "rss_pages": "facts",
    "run_lanes": "lanes",
    "span": "facts",
    "speed_table": "passes",
    "split_address": "decode",
    "stack_table": "compare",
    "stall_table": "stalls",
    "subgoals": "seven_steps",
    "thresholds": "threshold_box",
    "trace_field": "facts",
    "two_roads": "compare",
    "versions_table": "scan_tables",
    "wait_sweep": "passes",
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
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
