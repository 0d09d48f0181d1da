"""Huge pages at fault time, and the huge zero page (mm/huge_memory.c, 6.18)."""

from __future__ import annotations

from array import array

from thplab.mm.huge_memory.deferred import deferred_split_folio
from thplab.mm.huge_memory.pmd import __split_huge_pmd, is_huge_zero_pmd, pgtable_trans_huge_deposit
from thplab.mm.huge_memory.policy import vma_thp_gfp_mask
from thplab.mm.include.gfp import (
    GFP_DIRECT_RECLAIM,
    GFP_MOVABLE,
    GFP_NORETRY,
    GFP_THISNODE,
    GFP_TRANSHUGE,
    GFP_ZERO,
)
from thplab.mm.include.huge_mm import thp_vma_suitable_order
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import VM_WRITE, Vma, vma_is_anonymous
from thplab.mm.include.page import PG_anon_exclusive, folio_get, page_to_pfn, pfn_to_page
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_DIRTY,
    _PAGE_SPECIAL,
    EntryRef,
    entry_pfn,
    mk_huge_pmd,
    pmd_lock,
    set_pmd_at,
)
from thplab.mm.include.userfaultfd_k import handle_userfault, userfaultfd_missing
from thplab.mm.khugepaged.enter import khugepaged_enter_vma
from thplab.mm.memcontrol import mem_cgroup_charge
from thplab.mm.memory.tables import pte_alloc_one
from thplab.mm.page_alloc.alloc import __folio_alloc, folio_put
from thplab.mm.rmap.anon_vma import anon_vma_prepare
from thplab.mm.rmap.mapcount import folio_add_new_anon_rmap, folio_remove_rmap_pmd
from thplab.mm.swap import folio_add_lru_vma
from thplab.mm.vmstat import count_vm_event


def create_huge_pmd(vma: Vma, ref: EntryRef, address: int, *, write: bool) -> bool:
    """do_huge_pmd_anonymous_page: map a huge page at an empty PMD; False: fall back to base pages.

    ``ref``: pmd_t *; ``address``: unsigned long, any in the window. Raises MemoryError if there is no
    page for the table to deposit, KernelError where a userfaultfd handler would be asked.
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PMD lock.
    """
    kernel = vma.mm.kernel
    if not vma_is_anonymous(vma) or not thp_vma_suitable_order(vma, address):
        return False
    anon_vma_prepare(vma)
    # After the anon_vma: without one the VMA would be refused and the mm not registered.
    khugepaged_enter_vma(vma, vma.vm_flags)
    if not write and kernel.knobs.use_zero_page and not userfaultfd_missing(vma):
        return set_huge_zero_folio(vma, ref, address)
    if userfaultfd_missing(vma):
        raise handle_userfault(address)
    folio = vma_alloc_anon_folio_pmd(vma)
    if folio is None:
        return False
    _install_huge_folio(vma, ref, address, folio)
    return True


def _install_huge_folio(vma: Vma, ref: EntryRef, address: int, folio: int) -> None:
    """Map a new folio together with a table to deposit; without one (MemoryError) it is given back.
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PMD lock.
    """
    # Before the spinlock, as an allocation may sleep; and before the leaf, which must be splittable.
    try:
        table_page = pte_alloc_one(vma.mm)
    except MemoryError:
        folio_put(vma.mm.kernel, folio)
        raise
    ptl = pmd_lock(vma.mm, address)
    down_write(ptl, vma.mm.kernel.current.comm)
    pgtable_trans_huge_deposit(vma.mm, address, table_page)
    map_anon_folio_pmd(vma, ref, address, folio)
    up_write(ptl)


def vma_alloc_anon_folio_pmd(vma: Vma) -> int | None:
    """A zeroed, charged folio under the fault's mask; None, and counted, if none. Locks expected: none."""
    kernel = vma.mm.kernel
    folio = vma_alloc_folio(vma)
    if folio is not None and not mem_cgroup_charge(kernel, folio, vma.mm):
        folio_put(kernel, folio)
        folio = None
        count_vm_event(kernel, "thp_fault_fallback_charge")
    if folio is None:
        count_vm_event(kernel, "thp_fault_fallback")
        return None
    nr = kernel.geometry.HPAGE_PMD_NR
    kernel.mem_map.contents[folio : folio + nr] = array("I", bytes(4 * nr))
    return folio


def vma_alloc_folio(vma: Vma) -> int | None:
    """A PMD-sized folio under the fault's mask, or None.

    A kernel for several nodes first asks for one on this node with little effort, and only if that
    fails and the caller may wait, for one from anywhere: also on a machine with one node.
    """
    kernel = vma.mm.kernel
    gfp, order = vma_thp_gfp_mask(vma), kernel.geometry.HPAGE_PMD_ORDER
    folio = __folio_alloc(kernel, gfp | GFP_THISNODE | GFP_NORETRY, order, 0, 1)
    if folio is None and gfp & GFP_DIRECT_RECLAIM:
        folio = __folio_alloc(kernel, gfp, order, 0, 1)
    return folio


def map_anon_folio_pmd(vma: Vma, ref: EntryRef, address: int, folio: int) -> None:
    """Map a new huge folio at a fault: young, dirty and writable. Locks expected: the PMD lock."""
    mm = vma.mm
    kernel = mm.kernel
    haddr = address & ~(kernel.geometry.HPAGE_PMD_SIZE - 1)
    folio_add_new_anon_rmap(kernel, folio, vma, haddr)
    folio_add_lru_vma(kernel, folio, vma)
    write = bool(vma.vm_flags & VM_WRITE)
    set_pmd_at(*ref, mk_huge_pmd(page_to_pfn(kernel.mem_map, folio), write=write, dirty=True, young=True))
    mm.rss += kernel.geometry.HPAGE_PMD_NR
    count_vm_event(kernel, "thp_fault_alloc")
    deferred_split_folio(kernel, folio, partially_mapped=False)


def mm_get_huge_zero_folio(kernel: Kernel) -> int | None:
    """The shared huge page of zeros; allocated at its first use, None if there is no block for it.

    The first user may have to compact for it, whatever ``defrag`` says. It is never moved.
    """
    if kernel.huge_zero_folio is None:
        gfp = (GFP_TRANSHUGE | GFP_ZERO) & ~GFP_MOVABLE
        folio = __folio_alloc(kernel, gfp, kernel.geometry.HPAGE_PMD_ORDER, 0, 1)
        event = "thp_zero_page_alloc" if folio is not None else "thp_zero_page_alloc_failed"
        count_vm_event(kernel, event)
        kernel.huge_zero_folio = folio
    return kernel.huge_zero_folio


def set_huge_zero_folio(vma: Vma, ref: EntryRef, address: int) -> bool:
    """A read fault maps the huge zero page, read-only; False if there is none. Raises MemoryError.
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PMD lock.
    """
    mm = vma.mm
    kernel = mm.kernel
    folio = mm_get_huge_zero_folio(kernel)
    if folio is None:
        count_vm_event(kernel, "thp_fault_fallback")
        return False
    table_page = pte_alloc_one(mm)
    ptl = pmd_lock(mm, address)
    down_write(ptl, kernel.current.comm)
    pgtable_trans_huge_deposit(mm, address, table_page)
    pfn = page_to_pfn(kernel.mem_map, folio)
    set_pmd_at(*ref, mk_huge_pmd(pfn, write=False, dirty=False, young=True) | _PAGE_SPECIAL)
    up_write(ptl)
    return True


def huge_pmd_set_accessed(vma: Vma, ref: EntryRef, address: int, *, write: bool) -> None:
    """Note the use of a leaf that allows the access. Locks expected: none. Takes the PMD lock."""
    ptl = pmd_lock(vma.mm, address)
    down_write(ptl, vma.mm.kernel.current.comm)
    set_pmd_at(*ref, ref[0][ref[1]] | _PAGE_ACCESSED | (_PAGE_DIRTY if write else 0))
    up_write(ptl)


def wp_huge_pmd(vma: Vma, ref: EntryRef, address: int) -> bool:
    """Write to a read-only leaf; False: it was split, and the base page is to be handled.
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PMD lock (but not for reuse).
    """
    kernel = vma.mm.kernel
    pmd = ref[0][ref[1]]
    if is_huge_zero_pmd(kernel, pmd):
        if kernel.profile.huge_zero_page_is_replaced:
            return replace_huge_zero_pmd(vma, ref, address)
        __split_huge_pmd(vma, ref, address)
        return False
    mem_map = kernel.mem_map
    folio = pfn_to_page(mem_map, entry_pfn(pmd))
    anon = vma_is_anonymous(vma)
    # No other process maps it, or no other reference exists at all: nothing to protect, no copy.
    if anon and (mem_map.flags[folio] & PG_anon_exclusive or mem_map.refcount[folio] == 1):
        mem_map.flags[folio] |= PG_anon_exclusive
        set_pmd_at(*ref, pmd | mk_huge_pmd(0, write=True, dirty=True, young=True))
        return True
    if anon and kernel.profile.huge_page_is_copied_whole and copy_whole_huge_page(vma, ref, address, folio):
        return True
    __split_huge_pmd(vma, ref, address)
    return False


def copy_whole_huge_page(vma: Vma, ref: EntryRef, address: int, shared: int) -> bool:
    """do_huge_pmd_wp_page before 5.8: the writer gets a copy of all 2 MiB; False: no block for it.
    Locks expected: mmap_lock or the VMA lock for reading. Takes the PMD lock.
    """
    mm, kernel = vma.mm, vma.mm.kernel
    folio_get(kernel.mem_map, shared)  # so that reclaim for the new folio leaves the old one alone
    folio = vma_alloc_anon_folio_pmd(vma)
    folio_put(kernel, shared)
    if folio is None:
        return False
    contents, nr = kernel.mem_map.contents, kernel.geometry.HPAGE_PMD_NR
    contents[folio : folio + nr] = contents[shared : shared + nr]
    _replace_leaf(vma, ref, address, folio)
    folio_remove_rmap_pmd(kernel, shared, mm)
    mm.rss -= nr
    folio_put(kernel, shared)
    return True


def replace_huge_zero_pmd(vma: Vma, ref: EntryRef, address: int) -> bool:
    """do_huge_zero_wp_pmd: a real huge page in place of the zero one; False: no block for it, split."""
    folio = vma_alloc_anon_folio_pmd(vma)
    if folio is None:
        __split_huge_pmd(vma, ref, address)
        return False
    _replace_leaf(vma, ref, address, folio)
    return True


def _replace_leaf(vma: Vma, ref: EntryRef, address: int, folio: int) -> None:
    """Map a new folio where a leaf was; its table stays. Locks expected: none. Takes the PMD lock."""
    ptl = pmd_lock(vma.mm, address)
    down_write(ptl, vma.mm.kernel.current.comm)
    set_pmd_at(*ref, 0)
    map_anon_folio_pmd(vma, ref, address, folio)
    up_write(ptl)
