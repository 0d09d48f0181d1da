"""What is seen of a run: photographs of page tables, and trace events, in the recordings' shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from thplab.machine import Process
from thplab.mm.huge_memory.pmd import is_huge_zero_pmd
from thplab.mm.include.mm_types import (
    VM_HUGEPAGE,
    VM_LOCKED,
    VM_MERGEABLE,
    VM_NOHUGEPAGE,
    VM_READ,
    VM_SHARED,
    VM_UFFD_MISSING,
    VM_UFFD_WP,
    VM_WRITE,
    Vma,
)
from thplab.mm.include.page import PG_anon, PG_head, pfn_to_page
from thplab.mm.include.pgtable import (
    entry_pfn,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_present,
)
from thplab.mm.include.trace_events import TraceEvent
from thplab.mm.rmap.mapcount import page_mapcount

__all__ = [
    "COLLAPSES",
    "GLYPHS",
    "SCANNED",
    "SCANS",
    "event_record",
    "folio_at",
    "photograph",
    "run_length",
    "window_text",
]

#: What runs here, and recordings of real kernels, call the event of a scanned window.
SCANNED = "scan_pmd"
#: Such events of windows that were scanned and that were collapsed; files have their own.
SCANS, COLLAPSES = (SCANNED, "scan_file"), ("collapse", "collapse_file")

_NAMES = {
    "mm_khugepaged_scan_pmd": SCANNED,
    "mm_collapse_huge_page": COLLAPSES[0],
    "mm_collapse_huge_page_isolate": "isolate",
    "mm_collapse_huge_page_swapin": "swapin",
    "mm_khugepaged_scan_file": SCANS[1],
    "mm_khugepaged_collapse_file": COLLAPSES[1],
}
_COUNTS = ("referenced", "none_or_zero", "unmapped", "isolated", "swapped_in", "ret", "present", "swap", "nr")

#: How a photograph shows a page.
GLYPHS = {
    "-": "outside every mapping",
    ".": "none: never touched, or given back",
    "z": "the zero page",
    "p": "present, mapped once",
    "s": "present, mapped more than once",
    "c": "part of a large folio, mapped by a PTE, once",
    "d": "part of a large folio, mapped by a PTE, more than once",
    "w": "a swap entry or a marker (a guard page)",
    "H": "part of a huge page, mapped by the PMD, once",
    "S": "part of a huge page, mapped by the PMD, more than once",
    "Z": "part of the huge zero page",
}
#: Glyphs of pages that count as resident.
_RESIDENT = frozenset("pscdHS")

_FLAGS = {
    VM_WRITE: "wr", VM_SHARED: "sh", VM_LOCKED: "lo", VM_HUGEPAGE: "hg", VM_NOHUGEPAGE: "nh",
    VM_UFFD_MISSING: "um", VM_UFFD_WP: "uw", VM_MERGEABLE: "mg",
}  # fmt: skip


def run_length(glyphs: Iterable[str]) -> str:
    """``p100 .412``: each run of equal glyphs with its length."""
    return " ".join(f"{glyph}{len(list(run))}" for glyph, run in groupby(glyphs))


def window_glyphs(process: Process, start: int) -> list[str]:
    """For each page of the window at ``start`` one of GLYPHS."""
    mm = process.mm
    geometry = mm.kernel.geometry
    glyphs = _mapped_glyphs(process, start)
    covered = [False] * len(glyphs)
    for vma in mm.vmas:
        first = max(vma.vm_start - start, 0) // geometry.PAGE_SIZE
        end = min(vma.vm_end - start, geometry.HPAGE_PMD_SIZE) // geometry.PAGE_SIZE
        if first < end:
            covered[first:end] = [True] * (end - first)
    return [glyph if inside else "-" for glyph, inside in zip(glyphs, covered, strict=True)]


def _mapped_glyphs(process: Process, start: int) -> Sequence[str]:
    kernel = process.mm.kernel
    nr = kernel.geometry.PTRS_PER_PTE
    ref = mm_find_pmd(process.mm, start)
    pmd = ref[0][ref[1]] if ref else 0
    if not pmd:
        return "." * nr
    if pmd_trans_huge(pmd):
        return _leaf_glyph(process, pmd) * nr
    return [_pte_glyph(process, pte) for pte in kernel.tables[pmd_table_page(kernel, pmd)]]


def folio_at(process: Process, address: int) -> int | None:
    """The folio that is mapped at ``address``; None if nothing, or a zero page, is mapped there."""
    kernel = process.mm.kernel
    ref = mm_find_pmd(process.mm, address)
    pmd = ref[0][ref[1]] if ref else 0
    if not pmd:
        return None
    entry = pmd
    if not pmd_trans_huge(pmd):
        entry = kernel.tables[pmd_table_page(kernel, pmd)][pte_index(kernel, address)]
    if not pte_present(entry) or entry_pfn(entry) == kernel.zero_pfn or is_huge_zero_pmd(kernel, entry):
        return None
    folio: int = kernel.mem_map.compound_head[pfn_to_page(kernel.mem_map, entry_pfn(entry))]
    return folio


def _leaf_glyph(process: Process, pmd: int) -> str:
    kernel = process.mm.kernel
    if is_huge_zero_pmd(kernel, pmd):
        return "Z"
    folio = pfn_to_page(kernel.mem_map, entry_pfn(pmd))
    return "S" if page_mapcount(kernel.mem_map, folio) > 1 else "H"


def _pte_glyph(process: Process, pte: int) -> str:
    mem_map = process.mm.kernel.mem_map
    if not pte:
        return "."
    if not pte_present(pte):
        return "w"
    if entry_pfn(pte) == process.mm.kernel.zero_pfn:
        return "z"
    page = pfn_to_page(mem_map, entry_pfn(pte))
    shared = page_mapcount(mem_map, page) > 1
    if mem_map.flags[mem_map.compound_head[page]] & PG_head:
        return "d" if shared else "c"
    return "s" if shared else "p"


def window_text(process: Process, start: int) -> str:
    """One window as a run-length string."""
    return run_length(window_glyphs(process, start))


def photograph(process: Process, region: int, windows: int) -> dict[str, Any]:
    """All windows of a process, which of them are huge, and what smaps says of them."""
    geometry = process.mm.kernel.geometry
    size = geometry.HPAGE_PMD_SIZE
    all_glyphs = [window_glyphs(process, region + number * size) for number in range(windows)]
    texts = [run_length(glyphs) for glyphs in all_glyphs]
    whole = {f"{glyph}{geometry.PTRS_PER_PTE}" for glyph in "HSZ"}
    end = region + windows * size
    return {
        "windows": texts,
        "huge": [text in whole for text in texts],
        "rss_pages": sum(1 for glyphs in all_glyphs for glyph in glyphs if glyph in _RESIDENT),
        "anon_huge_kb": sum(_anon_leaves(process, region, windows)) * size // 1024,
        "vmas": [_vma_record(vma, region) for vma in process.mm.vmas if region <= vma.vm_start < end],
    }


def _anon_leaves(process: Process, region: int, windows: int) -> Iterable[bool]:
    """For each window: is it a PMD leaf over anonymous memory (AnonHugePages)?"""
    kernel, size = process.mm.kernel, process.mm.kernel.geometry.HPAGE_PMD_SIZE
    for number in range(windows):
        ref = mm_find_pmd(process.mm, region + number * size)
        pmd = ref[0][ref[1]] if ref else 0
        if pmd_trans_huge(pmd) and not is_huge_zero_pmd(kernel, pmd):
            folio = pfn_to_page(kernel.mem_map, entry_pfn(pmd))
            yield bool(kernel.mem_map.flags[folio] & PG_anon)


def _vma_record(vma: Vma, region: int) -> dict[str, Any]:
    page, flags = vma.mm.kernel.geometry.PAGE_SIZE, vma.vm_flags
    read, write = "r" if flags & VM_READ else "-", "w" if flags & VM_WRITE else "-"
    return {
        "start": (vma.vm_start - region) // page,
        "pages": (vma.vm_end - vma.vm_start) // page,
        "prot": f"{read}{write}-{'s' if flags & VM_SHARED else 'p'}",
        "flags": [word for bit, word in _FLAGS.items() if flags & bit],
    }


def event_record(event: TraceEvent, region: int, pmd_size: int) -> dict[str, Any] | None:
    """A trace event as the recordings write it; None for an event they do not have."""
    name = _NAMES.get(event.name)
    if name is None or event.address is None:
        return None
    fields = dict(event.fields)
    record: dict[str, Any] = {"ev": name, "by": "khugepaged" if event.comm == "khugepaged" else "caller"}
    if "status" in fields or "result" in fields:  # events about files say result
        record["status"] = fields.get("status", fields.get("result"))
    record.update({key: int(fields[key]) for key in _COUNTS if key in fields})
    record["window"] = (event.address - region) // pmd_size
    record["proc"] = event.mm
    return record
