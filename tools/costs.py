"""What each step costs, from the timings of a real kernel: ``python -m tools.costs`` writes the file.

The recorded figures are of whole windows and faults; a step's own cost is a difference of two of them.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from thplab.files import write_file

ROOT = Path(__file__).parents[1]
CAPTURES = ROOT / "tests/data/captures"
TARGET = ROOT / "thplab/data/costs.json"

_COMPACTION = CAPTURES / "ftrace/compact_memory.txt.gz"


def timings() -> dict[str, Any]:
    """The recorded file."""
    with gzip.open(CAPTURES / "timings.json.gz", "rt") as file:
        recorded: dict[str, Any] = json.load(file)
    return recorded


def medians_ns(recorded: dict[str, Any]) -> dict[str, float]:
    """name -> median in ns."""
    scale = {"ns": 1, "us": 1000}
    return {
        name: figure["median"] * scale[figure["unit"].split()[0]]
        for name, figure in recorded.items()
        if isinstance(figure, dict) and "median" in figure
    }


def migrated_pages_and_seconds() -> tuple[int, float]:
    """Of a write to compact_memory that was recorded: pages moved, and how long it took."""
    with gzip.open(_COMPACTION, "rt") as file:
        text = file.read()
    before, after = (
        part.partition("pgmigrate_success ")[2].split()[0] for part in text.split("=== AFTER echo 1")[:2]
    )
    seconds = text.partition("> compact_memory (")[2].partition(" s)")[0]
    return int(after) - int(before), float(seconds)


def steps() -> dict[str, tuple[float, str]]:
    """step -> (ns, how it follows from the recorded figures)."""
    of = medians_ns(timings())
    window = of["scan_window_fails_at_first_pte"]
    full, sparse = of["scan_window_512_present"], of["scan_window_1_present_511_none"]
    before_copy = {
        pages: of[f"collapse_{name}:scan_alloc_isolate"] - scan
        for pages, name, scan in ((512, "512_present", full), (1, "1_present_511_none", sparse))
    }
    isolate = (before_copy[512] - before_copy[1]) / 511
    copy = of["collapse_512_present:copy_and_map"] / 512
    clear = (of["collapse_1_present_511_none:copy_and_map"] - copy) / 511
    swapped = of["collapse_448_present_64_swapped_zram"] - of["collapse_512_present"]
    pages, seconds = migrated_pages_and_seconds()
    return {
        "fault_zero_page": (of["fault_zero_page_read"], "read of an untouched base page"),
        "fault_base_page": (of["fault_base_page_write"], "write to an untouched base page, with clearing"),
        "fault_huge_page": (of["fault_huge_page_write"], "write to an untouched window, with clearing"),
        "scan_no_table": (of["scan_window_pmd_none"], "a window without page table"),
        "scan_huge": (of["scan_window_already_huge"], "a window that is huge already"),
        "scan_window": (window, "a window whose first entry decides: all but the loop over the others"),
        "scan_pte_present": ((full - window) / 511, "(full window - scan_window) / 511"),
        "scan_pte_none": ((sparse - window) / 511, "(window of 1 page and 511 holes - scan_window) / 511"),
        "alloc_huge_page": (
            before_copy[1] - isolate,
            "collapse of 1 page up to the isolation, less its scan and isolate_page",
        ),
        "isolate_page": (isolate, "(collapses of 512 pages - of 1, to the isolation, less the scans) / 511"),
        "copy_page": (copy, "copy and map of 512 pages / 512: copy 4 KiB, free the old page"),
        "clear_page": (clear, "(copy and map of 1 page and 511 holes - copy_page) / 511"),
        "swap_in_page": (swapped / 64, "(collapse with 64 pages swapped to zram - without) / 64"),
        "migrate_page": (
            seconds * 1e9 / pages,
            f"a write to compact_memory: {seconds} s for {pages} pages, the scanning included",
        ),
    }  # fmt: skip


def derive() -> dict[str, Any]:
    """The whole file."""
    machine = timings()["machine"]
    where = f"Linux {machine['kernel']}, {machine['arch']}, {machine['cpu']}"
    return {
        "source": f"medians of {where} ({machine['note']})",
        "steps": {
            name: {"ns": round(ns, 2), "method": method, "source": where}
            for name, (ns, method) in steps().items()
        },
    }


def main() -> None:
    """Write the file."""
    write_file(TARGET, json.dumps(derive(), indent=2) + "\n")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
