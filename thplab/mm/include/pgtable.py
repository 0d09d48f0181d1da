"""Page-table entries bit by bit, and the four-level tree (arch/x86/include/asm/pgtable*.h).

An entry is a 64-bit integer with the hardware's bits:

    63  62..59  58..52  51..12         11  10  9   8  7   6  5  4..3  2   1   0
    NX  key     soft    frame number   SD  WP  SP  G  PS  D  A  cache US  RW  P

P present, RW writable, US user, A accessed ("young"), D dirty, PS page size (in a PMD entry: this
is a leaf that maps 2 MiB), SP special (the zero page), WP userfaultfd write-protected, SD
soft-dirty. With P clear the hardware ignores the rest and the kernel may keep its own data there:
0 is "none", anything else a swap entry or a marker, whose bit 2 says userfaultfd write-protected.

A table is a page whose 512 entries stand in ``kernel.tables[page]``. What C calls a pointer to an
entry (``pmd_t *``) is here a pair (table, index): :data:`EntryRef`.
"""

from __future__ import annotations

from thplab.mm.include.errors import KernelBug
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import Lock
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.page import page_to_pfn, pfn_to_page
from thplab.mm.include.state import Column

_PAGE_PRESENT = 1 << 0  # the processor may use the entry
_PAGE_RW = 1 << 1  # it may be written; clear: a write faults
_PAGE_USER = 1 << 2  # the process may use it; clear: the kernel's alone
_PAGE_ACCESSED = 1 << 5  # used: set by the processor; the kernel calls it young
_PAGE_DIRTY = 1 << 6  # written: set by the processor
_PAGE_PSE = 1 << 7  # in a PMD entry: a leaf
_PAGE_PROTNONE = 1 << 8  # there is a page, but no access; the bit of G, free while P is clear
_PAGE_SPECIAL = 1 << 9  # no page of the process behind it: the zero page
_PAGE_UFFD_WP = 1 << 10  # userfaultfd: a write wakes the handler
_PAGE_SOFT_DIRTY = 1 << 11  # written since clear_refs 4
_PAGE_SWP_UFFD_WP = 1 << 2  # the same in an entry without page
_PAGE_SWP_EXCLUSIVE = 1 << 3  # the swapped page was exclusive
_PAGE_NX = 1 << 63  # never executed
PTE_PFN_MASK = ((1 << 52) - 1) & ~0xFFF
PTE_FLAGS_LOW = 0xFFF
PFN_BITS = (1 << 40) - 1
_KERNPG_TABLE = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY

EntryRef = tuple[Column, int]
"""``pmd_t *`` and its like: the table (512 x u64) and the index in it."""


def entry_pfn(entry: int) -> int:
    """Frame number (unsigned long) in a present entry (pteval_t or pmdval_t)."""
    return (entry & PTE_PFN_MASK) >> 12


def mk_pte(pfn: int, *, write: bool, dirty: bool, young: bool, none: bool = False) -> int:
    """A PTE (pteval_t) that maps ``pfn`` for the user, never executable.

    ``none``: the VMA has PROT_NONE; the hardware sees no page, the kernel still does.
    """
    flags = _PAGE_PROTNONE if none else _PAGE_PRESENT | _PAGE_USER
    flags |= _PAGE_RW if write else 0
    flags |= _PAGE_DIRTY | _PAGE_SOFT_DIRTY if dirty else 0
    flags |= _PAGE_ACCESSED if young else 0
    return pfn << 12 | flags | _PAGE_NX


def mk_huge_pmd(pfn: int, *, write: bool, dirty: bool, young: bool, none: bool = False) -> int:
    """A PMD leaf (pmdval_t) for the aligned block that begins at ``pfn``."""
    return mk_pte(pfn, write=write, dirty=dirty, young=young, none=none) | _PAGE_PSE


def mk_pmd_table(pfn: int) -> int:
    """An entry (pmdval_t, or one above) that points at the table in frame ``pfn``."""
    return pfn << 12 | _KERNPG_TABLE


def pte_present(pte: int) -> bool:
    """True if the entry (pteval_t, not a pointer) names a page (PROT_NONE pages included)."""
    return bool(pte & (_PAGE_PRESENT | _PAGE_PROTNONE))


def pmd_present(pmd: int) -> bool:
    """True if the entry (pmdval_t) names a page or a table."""
    # With PSE a leaf counts even while a split has made it invalid (P clear): it must not look empty.
    return bool(pmd & (_PAGE_PRESENT | _PAGE_PROTNONE | _PAGE_PSE))


def pmd_trans_huge(pmd: int) -> bool:
    """True if the entry (pmdval_t, not a pointer) is a leaf."""
    return bool(pmd & _PAGE_PSE)


def pmd_bad(pmd: int) -> bool:
    """True if a present non-leaf entry (pmdval_t) does not look like a pointer to a table."""
    ignored = _PAGE_ACCESSED | _PAGE_USER | _PAGE_NX
    return (pmd & ~PTE_PFN_MASK) & ~ignored != _KERNPG_TABLE & ~ignored


def folio_pte_batch(kernel: Kernel, table: Column, index: int, end: int) -> int:
    """How many entries (unsigned int) from ``index`` on, before ``end``, map consecutive pages of one folio.

    The first one is present. Accessed, dirty and writable bits may differ.
    Locks expected: the PTE lock.
    """
    pfn = entry_pfn(table[index])
    compound_head = kernel.mem_map.compound_head
    page = pfn_to_page(kernel.mem_map, pfn)
    folio, nr = compound_head[page], 1
    while index + nr < end and compound_head[page + nr] == folio:
        pte = table[index + nr]
        # The folio must be mapped in order, too: mremap may have left pages of it in other places.
        if not pte_present(pte) or entry_pfn(pte) != pfn + nr:
            break
        nr += 1
    return nr


def set_pte_at(table: Column, index: int, pte: int) -> None:
    """Write one PTE. ``table``, ``index``: pte_t *; ``pte``: pteval_t.

    Locks expected: the table's PTE lock, or nobody else can reach the table.
    """
    # One store of 64 bits: the processor, which takes no lock, sees the old entry or the new one.
    table[index] = pte


def set_pmd_at(table: Column, index: int, pmd: int) -> None:
    """Write one entry of an upper level. ``table``, ``index``: pmd_t *; ``pmd``: pmdval_t.

    Locks expected: the PMD lock, or the mm's page_table_lock above it.
    """
    table[index] = pmd


def pmd_populate(kernel: Kernel, ref: EntryRef, table_page: int) -> None:
    """Point a PMD entry (pmd_t *) at the PTE table in ``table_page``. Locks expected: the PMD lock."""
    set_pmd_at(*ref, mk_pmd_table(page_to_pfn(kernel.mem_map, table_page)))


def level_shifts(kernel: Kernel) -> tuple[int, int, int]:
    """Address shifts of the PGD, PUD and PMD levels."""
    return kernel.geometry.LEVEL_SHIFTS


def _index(kernel: Kernel, address: int, shift: int) -> int:
    """Index of ``address`` in a table of the level with this shift."""
    return address >> shift & (kernel.geometry.PTRS_PER_PTE - 1)


def pte_index(kernel: Kernel, address: int) -> int:
    """Index (unsigned long) of the PTE of ``address`` in its table."""
    return _index(kernel, address, kernel.geometry.PAGE_SHIFT)


def mm_find_pmd(mm: Mm, address: int) -> EntryRef | None:
    """The PMD entry (pmd_t *) of ``address``; None (C: NULL) if the tables above it do not exist.

    The entry itself may change at any moment without the PMD lock.
    Locks expected: mmap_lock, the VMA lock, the anon_vma or i_mmap_rwsem: one that keeps the tables from
    being freed.
    """
    kernel = mm.kernel
    table = kernel.tables[mm.pgd]
    pgdir, pud, pmd = level_shifts(kernel)
    for shift in (pgdir, pud):
        entry = table[_index(kernel, address, shift)]
        if not entry:
            return None
        table = kernel.tables[pfn_to_page(kernel.mem_map, entry_pfn(entry))]
    return table, _index(kernel, address, pmd)


def pmd_table_page(kernel: Kernel, pmd: int) -> int:
    """Page (pgtable_t) of the PTE table that a PMD entry (pmdval_t, not a pointer) points at."""
    return pfn_to_page(kernel.mem_map, entry_pfn(pmd))


def pte_lock(kernel: Kernel, table_page: int) -> Lock:
    """The spinlock of one PTE table (ptlock_ptr); taken by the caller."""
    return kernel.ptlocks[table_page]


def pte_of(kernel: Kernel, ref: EntryRef, address: int) -> int:
    """The PTE of ``address`` (pteval_t) under a PMD entry (pmd_t *); 0 also where there is no table.

    Locks expected: the PTE lock, or the value may be out of date.
    """
    pmd = ref[0][ref[1]]
    return int(kernel.tables[pmd_table_page(kernel, pmd)][pte_index(kernel, address)]) if pmd else 0


def pmd_page_of(mm: Mm, address: int) -> int:
    """Page of the PMD table of ``address``; KernelBug if there is none. Locks expected: mmap_lock."""
    kernel = mm.kernel
    page = mm.pgd
    for shift in level_shifts(kernel)[:2]:
        entry = kernel.tables[page][_index(kernel, address, shift)]
        if not entry:
            raise KernelBug(f"pmd_page_of: {mm.name} has no PMD table for {address:#x}")
        page = pfn_to_page(kernel.mem_map, entry_pfn(entry))
    return page


def pmd_lock(mm: Mm, address: int) -> Lock:
    """The spinlock of the PMD table of ``address`` (taken by the caller); KernelBug if there is no table."""
    return mm.kernel.ptlocks[pmd_page_of(mm, address)]


def walk(mm: Mm, address: int) -> tuple[tuple[str, int, int], ...]:
    """What the hardware reads on its way down: (level, index, entry), ending at a leaf or at none.

    Locks expected: none, as for the processor.
    """
    kernel = mm.kernel
    page, steps = mm.pgd, []
    shifts = (*level_shifts(kernel), kernel.geometry.PAGE_SHIFT)
    for level, shift in zip(("PGD", "PUD", "PMD", "PTE"), shifts, strict=True):
        index = _index(kernel, address, shift)
        entry = kernel.tables[page][index]
        steps.append((level, index, entry))
        if level == "PTE" or not entry & _PAGE_PRESENT or entry & _PAGE_PSE:
            break
        page = pfn_to_page(kernel.mem_map, entry_pfn(entry))
    return tuple(steps)
