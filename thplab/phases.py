"""The phases of a collapse, under one numbering for texts, questions, tables, plots, races and the stage.

Finding work, looking and deciding belong to the scan, which has no number. Copying and freeing are two loops
in the model, one after the other; Linux 6.1 copies and frees each page in one loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from thplab import points
from thplab.points import Point


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase or, with ``part``, one of those that have the same ``number``; 0: of the scan.

    It lasts from the call of ``begins`` to the return of ``ends``; if that is never called, as in a phase
    that fails, to the return of ``begins``. None: until the next phase begins.
    """

    number: int
    name: str
    part: str
    what: str
    begins: Point
    ends: Point | None

    def __str__(self) -> str:
        """The phase, as texts and tables call it: ``2 re-check (reading)``."""
        return " ".join(filter(None, (str(self.number or ""), self.name, self.part and f"({self.part})")))

    @property
    def step(self) -> str:
        """The phase without its part."""
        return f"{self.number} {self.name}" if self.number else self.name


# fmt: off
SCAN = Phase(0, "look, decide", "", "read the entries of the table, and say yes",
             points.SCAN, points.VERDICT_OF_SCAN)
GET_MEMORY = Phase(1, "get memory", "", "get a free block of order 9, and charge it",
                   points.ALLOCATE, points.ALLOCATE)
READING = Phase(2, "re-check", "reading", "look the VMA and the PMD up again, for reading",
                points.REVALIDATE, points.REVALIDATE)
SWAP_IN = Phase(2, "re-check", "swap-in", "read swapped pages in", points.SWAP_IN, points.SWAP_IN)
WRITING = Phase(2, "re-check", "writing", "look them up again, for writing",
                points.COLLAPSE_LOCKED, points.CHECK_PMD)
FENCE = Phase(3, "fence", "", "clear the PMD and flush the TLBs", points.FENCE, points.FENCE)
ISOLATE = Phase(4, "isolate", "", "lock the base pages and take them off the LRU",
                points.ISOLATE, points.ISOLATE)
COPY = Phase(5, "copy", "", "copy the contents, and clear holes", points.COPY, None)
FREE = Phase(6, "free", "", "free the base pages", points.FREE, points.FREE)
PUBLISH = Phase(7, "publish", "", "set the PMD leaf", points.PUBLISH, points.PUBLISH)
# fmt: on

#: In the order in which they come.
PHASES = (SCAN, GET_MEMORY, READING, SWAP_IN, WRITING, FENCE, ISOLATE, COPY, FREE, PUBLISH)
#: All that khugepaged does with a window: what it does before a collapse, then the numbered phases.
STEPS = ("find work", *SCAN.name.split(", "), *dict.fromkeys(phase.step for phase in PHASES[1:]))
