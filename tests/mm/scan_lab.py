"""One scan of a prepared window."""

from __future__ import annotations

from tests.mm.lab import ADDRESS, PAGE, SCAN, advise, app, fill, page_at

YOUNG, UFFD_WP, SWAP_UFFD_WP = 1 << 5, 1 << 10, 1 << 2


def scanned(process):
    """One pass over a process whose windows are prepared; the scan_pmd event of the first window."""
    advise(process)
    process.machine.wake_khugepaged()
    return next(event for event in process.machine.trace if event.name == SCAN)


def seen(event) -> tuple[str, int, int, int]:
    """status, none_or_zero, referenced, unmapped."""
    return (event.value("status"), *(int(event.value(f)) for f in ("none_or_zero", "referenced", "unmapped")))


def holes(number: int, *, zero: bool = False, last: bool = False, **how):
    """A window with ``number`` empty (or zero) entries at its start or end, the rest written."""
    process = app(**how)
    first, end = (0, 512 - number) if last else (number, 512)
    fill(process, first, end)
    if zero:
        for page in range(number):
            process.read(ADDRESS + page * PAGE)
    return process


def exceeds(process, which: str = "none") -> int:
    return process.machine.vmstat(f"thp_scan_exceed_{which}_pte")


def shared(process, number: int, by: int = 1) -> None:
    """As if another mm mapped the first ``number`` pages too."""
    mem_map = process.mm.kernel.mem_map
    for index in range(number):
        page = page_at(process, ADDRESS + index * PAGE)
        mem_map.mapcount[page] += by
        mem_map.refcount[page] += by
