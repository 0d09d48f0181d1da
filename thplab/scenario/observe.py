"""What is seen of a run: photographs of page tables, and trace events, in the recordings' shape."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from thplab.machine import Process
from thplab.mm.huge_memory import is_huge_zero_pmd
from thplab.mm.mm_types import vma_lookup
from thplab.mm.page import PG_head, pfn_to_page
from thplab.mm.pgtable import entry_pfn, mm_find_pmd, pmd_table_page, pmd_trans_huge, pte_present
from thplab.mm.proc import anon_huge_pages
from thplab.mm.rmap import page_mapcount
from thplab.mm.trace import TraceEvent

__all__ = ["event_record", "page_glyph", "photograph", "window_text"]

_NAMES = {
    "mm_khugepaged_scan_pmd": "scan_pmd",
    "mm_collapse_huge_page": "collapse",
    "mm_collapse_huge_page_isolate": "isolate",
    "mm_collapse_huge_page_swapin": "swapin",
}
_COUNTS = ("referenced", "none_or_zero", "unmapped", "isolated", "swapped_in", "ret")


def page_glyph(process: Process, address: int) -> str:
    """One letter for the page at ``address``: the recordings' alphabet (``-.zpscdwHSZ``)."""
    mm = process.mm
    kernel = mm.kernel
    if vma_lookup(mm, address) is None:
        return "-"
    ref = mm_find_pmd(mm, address)
    pmd = ref[0][ref[1]] if ref else 0
    if not pmd:
        return "."
    if pmd_trans_huge(pmd):
        if is_huge_zero_pmd(kernel, pmd):
            return "Z"
        folio = pfn_to_page(kernel.mem_map, entry_pfn(pmd))
        return "S" if page_mapcount(kernel.mem_map, folio) > 1 else "H"
    index = address // kernel.geometry.PAGE_SIZE & (kernel.geometry.PTRS_PER_PTE - 1)
    return _pte_glyph(process, kernel.tables[pmd_table_page(kernel, pmd)][index])


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


def run_length(glyphs: Sequence[str]) -> str:
    """``p100 .412``: each run of equal glyphs with its length."""
    return " ".join(f"{glyph}{len(list(run))}" for glyph, run in groupby(glyphs))


def window_text(process: Process, start: int) -> str:
    """One window as a run-length string."""
    geometry = process.mm.kernel.geometry
    pages = range(start, start + geometry.HPAGE_PMD_SIZE, geometry.PAGE_SIZE)
    return run_length([page_glyph(process, address) for address in pages])


def photograph(process: Process, region: int, windows: int) -> dict[str, Any]:
    """All windows of a process, which of them are huge, and what smaps would add up."""
    size = process.mm.kernel.geometry.HPAGE_PMD_SIZE
    texts = [window_text(process, region + number * size) for number in range(windows)]
    entries = process.mm.kernel.geometry.PTRS_PER_PTE
    whole = {f"{glyph}{entries}" for glyph in "HSZ"}
    huge = sum(anon_huge_pages(vma) for vma in process.mm.vmas)
    return {
        "windows": texts,
        "huge": [text in whole for text in texts],
        "rss_pages": process.mm.rss,
        "anon_huge_kb": huge * size // 1024,
    }


def event_record(event: TraceEvent, region: int, pmd_size: int) -> dict[str, Any] | None:
    """A trace event as the recordings write it; None for an event they do not have."""
    name = _NAMES.get(event.name)
    if name is None or event.address is None:
        return None
    fields = dict(event.fields)
    record: dict[str, Any] = {"ev": name, "by": "khugepaged" if event.comm == "khugepaged" else "caller"}
    if "status" in fields:
        record["status"] = fields["status"]
    record.update({key: int(fields[key]) for key in _COUNTS if key in fields})
    record["window"] = (event.address - region) // pmd_size
    record["proc"] = event.mm
    return record
