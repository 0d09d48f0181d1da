"""Pages go to the swap device (mm/page_io.c, 6.18)."""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.page import folio_nr_pages
from thplab.mm.vmstat import count_vm_event


def swap_writeout(kernel: Kernel, folio: int) -> None:
    """Write the folio's pages to their slots. Locks expected: the page lock."""
    mem_map = kernel.mem_map
    nr, offset = folio_nr_pages(mem_map, folio), mem_map.private[folio]
    for each in range(nr):
        kernel.swap.contents[offset + each] = mem_map.contents[folio + each]
    count_vm_event(kernel, "pswpout", nr)
    if nr == kernel.geometry.HPAGE_PMD_NR:
        count_vm_event(kernel, "thp_swpout")
