"""What can't be compared in the recorded runs, each with its reason.

Rows: a machine showed there what no kernel rule decides. Everything else is compared. Fields that belong
to the whole machine (counters of vmstat, times, full_scans) are not compared in any row, see compare.py.
"""

from __future__ import annotations

__all__ = ["NOT_COMPARED", "UNSUPPORTED", "reason_not_to_compare"]

_TLB = (
    "a write straight after clear_refs met the old translation in the TLB, and the processor did not set the "
    "accessed bit again: `referenced` was 246 and 228 instead of 255 and 256"
)
_PAGE_CACHE = "what lies in large folios in the page cache is the file system's affair"
_EMULATED_TLB = "the emulated processor keeps stale TLB entries after clear_refs"
_EXCLUSIVE = "a matter of how 6.12 reports pagemap's exclusive bit for one PMD-mapped folio"

_ALWAYS = {
    "young-255-one-swapped": _TLB,
    "young-256-one-swapped": _TLB,
    "file-private-collapse": _PAGE_CACHE,
    "file-shared-collapse": _PAGE_CACHE,
}
_EMULATED = {**_ALWAYS, "young-one": _EMULATED_TLB, "thp-forked-child-writes": _EXCLUSIVE}

#: kernel -> row -> why it is not compared
NOT_COMPARED: dict[str, dict[str, str]] = {
    "6.18": _ALWAYS,
    "6.1": _EMULATED,
    "6.12": _EMULATED,
    "7.3": _EMULATED,
}


#: kernel -> row -> part of the reason that the model gives for refusing it (docs/fidelity.md)
UNSUPPORTED: dict[str, dict[str, str]] = {"6.18": {}, "6.1": {}, "6.12": {}, "7.3": {}}


def reason_not_to_compare(kernel: str, name: str) -> str | None:
    """Why a row of a kernel is not compared; None if it is."""
    return NOT_COMPARED[kernel].get(name)
