"""The scan of one window, unrecorded, beside a loop that only counts the entries of the same table."""

from __future__ import annotations

from time import perf_counter_ns

from benchmarks.report import Figure
from thplab.machine import Machine
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.lock import down_read, up_read
from thplab.mm.include.pgtable import mm_find_pmd, pmd_table_page
from thplab.mm.khugepaged.scan import scan_pmd

_ADDRESS = 140576452247552
_PAGES = 512
_ROUNDS = 200


def figures() -> list[Figure]:
    """ns per present entry of both, taken in turns, and their quotient."""
    machine = Machine(memory_pages=8192)
    app = machine.process("app")
    app.mmap(_ADDRESS, 2 << 20)
    for number in range(_PAGES):
        app.write(_ADDRESS + (number << 12), number)
    app.pin(_ADDRESS + ((_PAGES - 1) << 12))  # the last page refuses the window: no collapse follows
    ref = mm_find_pmd(app.mm, _ADDRESS)
    assert ref is not None
    table = machine.kernel.tables[pmd_table_page(machine.kernel, ref[0][ref[1]])]
    control = CollapseControl("bench", is_khugepaged=True)
    scans, loops, quotients = [], [], []
    for _ in range(_ROUNDS):
        down_read(app.mm.mmap_lock)
        begin = perf_counter_ns()
        scan_pmd(app.mm, app.mm.vmas[0], _ADDRESS, control)
        middle = perf_counter_ns()
        count = 0
        for _entry in table:
            count += 1
        end = perf_counter_ns()
        up_read(app.mm.mmap_lock)
        scans.append((middle - begin) / _PAGES)
        loops.append((end - middle) / count)
        quotients.append(scans[-1] / loops[-1])
    what = "a window of 512 present, young pages whose last one is pinned"
    return [
        Figure("scan, per present entry", "ns", scans, f"scan_pmd over {what}; whole call / 512"),
        Figure("counting loop, per entry", "ns", loops, "for entry in table: count += 1, after each scan"),
        Figure("scan / counting loop", "times", quotients, "the quotient of each pair", aim=5),
    ]
