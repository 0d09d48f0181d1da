"""What must hold of a machine at any moment between two system calls.

``check(machine)`` raises AssertionError with every rule that is broken. The walk through the page
tables is written out here with the x86 manual's bits, so that it does not lean on the code it judges.
``tables_and_pages`` and ``whole_state`` photograph a machine, to compare before and after.
"""

from __future__ import annotations

from tests.invariants.census import Census
from tests.invariants.contents import peek, read_back, tokens
from tests.invariants.photographs import tables_and_pages, whole_state
from tests.invariants.rules import check
from tests.invariants.walk import deposited, entries, free_list, page_of, vma_of

__all__ = [
    "Census",
    "check",
    "deposited",
    "entries",
    "free_list",
    "page_of",
    "peek",
    "read_back",
    "tables_and_pages",
    "tokens",
    "vma_of",
    "whole_state",
]
