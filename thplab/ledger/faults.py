"""Which kind of fault it was, told by the counters that moved in it."""

from __future__ import annotations

_RESIDENT = ("nr_anon_pages", "nr_shmem")
_DEAREST_FIRST = ("fault_huge_page", "swap_in_page", "fault_base_page", "fault_zero_page")


class FaultReader:
    """Told of each change of a counter of /proc/vmstat in turn, it answers with the step that is to be paid.

    A fault begins when pgfault moves. It is paid once, when it has ended, for the dearest that it did:
    a page that appears may also be one that compaction moved for a huge page.
    """

    def __init__(self) -> None:
        """No fault yet."""
        self._seen: set[str] | None = None

    def moved(self, name: str, delta: int) -> str | None:
        """The step to pay now that a counter has moved."""
        if name == "pgfault":
            step = self.ended()
            self._seen = {"fault_zero_page"}
            return step
        if self._seen is None:
            return "swap_in_page" if name == "pswpin" else None  # before a collapse
        if name == "pswpin":
            self._seen.add("swap_in_page")
        elif name == "thp_fault_alloc":
            self._seen.add("fault_huge_page")
        elif name in _RESIDENT and delta > 0:
            self._seen.add("fault_base_page" if delta == 1 else "fault_huge_page")
        return None

    def ended(self) -> str | None:
        """The step to pay now that a fault has ended; None if there was none."""
        seen, self._seen = self._seen, None
        return next(step for step in _DEAREST_FIRST if step in seen) if seen else None
