"""A translation lookaside buffer, and what a walk costs (the processor's own; flushes: arch/x86/mm/tlb.c).

The model translates each access by walking the tables (mmu.py). A :class:`Tlb` stands beside it: it
remembers translations as a processor does, so that an access pattern over the tables of a real process
can be counted: hits, walks, and how many entries the walks read. No machine has one unless somebody
sets ``kernel.tlb``; then a recording journals it with the rest. Nothing in the model looks at it, so
whoever changes page tables between two patterns calls :func:`flush_tlb_range`, as the kernel must.
"""

from __future__ import annotations

from typing import NamedTuple

from thplab.mm.include.geometry import X86_64, Geometry
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.pgtable import _PAGE_PSE, _PAGE_RW, walk
from thplab.mm.include.state import Column, Struct
from thplab.mm.mmu import access
from thplab.mm.vmstat import vm_event

#: Low bits of a tag: the way holds a translation; of a PMD leaf; of an entry that may be written.
_VALID, _HUGE, _WRITE = 1, 2, 4
_TAG_SHIFT = 3


class TlbBank(Struct):
    """One array of a TLB, set-associative; in each set the least recently used entry gives way.

    ``tags`` (u64 each): the page number above three bits; ``used`` (u64 each): the number of the access
    that came last. The entries of set n are n * ``ways`` and those behind; the set of a page is its
    number modulo the number of sets.
    """

    __slots__ = ("name", "tags", "used", "ways")
    name: str
    ways: int
    tags: Column
    used: Column

    def __init__(self, name: str, entries: int, ways: int) -> None:
        """An empty array. Raises ValueError unless ``ways`` divides ``entries``."""
        if ways < 1 or entries < ways or entries % ways:
            raise ValueError(f"{entries} entries in {ways} ways: allowed are 1 or more ways that divide them")
        self.name = name
        self.ways = ways
        self.tags = Column("Q", entries, f"{name} tags")
        # The number of the access serves as time: the smallest was used least recently.
        self.used = Column("Q", entries, f"{name} used")


class Tlb(Struct):
    """``base`` holds translations of 4 KiB, ``huge`` those of PMD leaves: the same array or two.

    ``host_levels``: how many levels the host's tables have if this machine is a guest, else 0.
    ``accesses``, ``hits`` and ``walks`` count translations, ``references`` the entries that the walks
    read, ``faults`` the accesses that had to fault first (whose failed walk is not in ``references``).
    """

    __slots__ = (
        "accesses", "base", "faults", "hits", "host_levels", "huge", "name", "references", "walks",
    )  # fmt: skip
    name: str
    base: TlbBank
    huge: TlbBank
    host_levels: int
    accesses: int
    hits: int
    walks: int
    references: int
    faults: int

    def __init__(
        self,
        entries: int = 1536,
        ways: int = 12,
        *,
        huge_entries: int = 0,
        huge_ways: int = 4,
        host_levels: int = 0,
        name: str = "dTLB",
    ) -> None:
        """An empty TLB; without ``huge_entries`` both sizes share one array, as in a second level."""
        self.name = name
        self.base = TlbBank(f"{name} 4 KiB" if huge_entries else name, entries, ways)
        self.huge = TlbBank(f"{name} 2 MiB", huge_entries, huge_ways) if huge_entries else self.base
        self.host_levels = host_levels
        self.accesses = self.hits = self.walks = self.references = self.faults = 0


def tlb_access(tlb: Tlb, mm: Mm, address: int, *, write: bool = False) -> bool:
    """Touch ``address`` as the processor does: the buffer first, else a walk; True for a hit.

    A page that is not there, or may not yet be written, is faulted in. A hit does not look at the tables:
    it sets no accessed mark, and no dirty one (which a real processor does at the first write).
    Raises what :func:`~thplab.mm.mmu.access` raises.
    """
    geometry = mm.kernel.geometry
    need = _VALID | (_WRITE if write else 0)
    tlb.accesses += 1
    # Both arrays at once in hardware: before the translation is known, so is not its size.
    if _hit(tlb, tlb.base, address >> geometry.PAGE_SHIFT, need) or _hit(
        tlb, tlb.huge, address >> geometry.PMD_SHIFT, need | _HUGE
    ):
        tlb.hits += 1
        return True
    faults = vm_event(mm.kernel, "pgfault")
    # Makes the entry present and sets its bits. What the walk below reads is what the processor would read.
    access(mm, address, write=write)
    tlb.faults += vm_event(mm.kernel, "pgfault") > faults
    steps = walk(mm, address)
    tlb.walks += 1
    tlb.references += walk_references(len(steps), tlb.host_levels)
    _, _, entry = steps[-1]
    writable = _WRITE if entry & _PAGE_RW else 0
    if entry & _PAGE_PSE:
        # One entry for 2 MiB: the same number of entries reaches 512 times as far.
        _fill(tlb, tlb.huge, address >> geometry.PMD_SHIFT, _VALID | _HUGE | writable)
    else:
        _fill(tlb, tlb.base, address >> geometry.PAGE_SHIFT, _VALID | writable)
    return False


def _set_of(bank: TlbBank, number: int) -> range:
    """The entries (indices) in which a page may be."""
    first = number % (len(bank.tags) // bank.ways) * bank.ways
    return range(first, first + bank.ways)


def _hit(tlb: Tlb, bank: TlbBank, number: int, need: int) -> bool:
    """Is the page in the buffer, with these bits? Then it has been used now. ``number``: page number."""
    wanted, size = number << _TAG_SHIFT, need & _HUGE
    for way in _set_of(bank, number):
        tag = bank.tags[way]
        # A write needs an entry that may be written; a read takes any.
        if tag >> _TAG_SHIFT << _TAG_SHIFT == wanted and tag & need == need and tag & _HUGE == size:
            bank.used[way] = tlb.accesses
            return True
    return False


def _fill(tlb: Tlb, bank: TlbBank, number: int, bits: int) -> None:
    """Remember a translation: in the entry of the same page, else in the one not used for longest."""
    ways, page = _set_of(bank, number), number << _TAG_SHIFT | bits & ~_WRITE
    # An entry that was read-only is replaced in its place: two translations of one page would be a bug.
    same = (way for way in ways if bank.tags[way] & ~_WRITE == page)
    victim = next(same, None)
    if victim is None:
        victim = min(ways, key=lambda way: bank.used[way])
    bank.tags[victim] = number << _TAG_SHIFT | bits
    bank.used[victim] = tlb.accesses


def flush_tlb_range(tlb: Tlb, mm: Mm, start: int, end: int) -> None:
    """Forget what is known of ``start <= address < end`` (unsigned long, bytes), in both sizes.

    Needed after any change of an entry that was present: the processor may remember the old one. The
    kernel's flush_tlb_mm_range tells all processors that run the mm.
    Locks expected: as of the change, so that nobody relies on it too early.
    """
    geometry = mm.kernel.geometry
    # Where both sizes share one array it must be visited once only.
    for bank in {id(each): each for each in (tlb.base, tlb.huge)}.values():
        for way, tag in enumerate(bank.tags):
            shift = geometry.PMD_SHIFT if tag & _HUGE else geometry.PAGE_SHIFT
            first = tag >> _TAG_SHIFT << shift
            # A huge translation goes if any part of it lies in the range.
            if tag & _VALID and first < end and start < first + (1 << shift):
                bank.tags[way] = bank.used[way] = 0


def flush_tlb_mm(tlb: Tlb, mm: Mm) -> None:
    """Forget everything, as when another address space is switched to (the model has no PCIDs)."""
    flush_tlb_range(tlb, mm, 0, mm.kernel.geometry.TASK_SIZE + mm.kernel.geometry.PAGE_SIZE)


def tlb_reach(entries: int, page_size: int) -> int:
    """Bytes that ``entries`` translations of pages of ``page_size`` bytes cover."""
    return entries * page_size


def walk_references(levels: int, host_levels: int = 0) -> int:
    """How many entries a walk over ``levels`` levels reads: 4 to a PTE, 3 to a PMD leaf.

    In a guest the address of each of its tables, and that of the page, is translated by the host, at
    ``host_levels`` references each.
    """
    # Four levels in each, 4 and 4: 24 references instead of 4.
    return (levels + 1) * (host_levels + 1) - 1 if host_levels else levels


class PageTables(NamedTuple):
    """Tables (of one page each) by level; ``deposited``: PTE tables kept for a later split, never walked."""

    pte: int
    pmd: int
    pud: int
    pgd: int
    deposited: int

    @property
    def total(self) -> int:
        """All of them: what VmPTE shows, in pages (and what mm->pgtables_bytes counts)."""
        return sum(self)


def page_tables(length: int, *, huge: bool = False, geometry: Geometry = X86_64) -> PageTables:
    """The tables of ``length`` bytes of anonymous memory, all of it touched, from an aligned address on.

    With ``huge`` pages the PMD entries are leaves, yet each keeps its PTE table deposited, so that a
    split can never fail for want of memory.
    """
    pmd, pud, pgd = (-(-length // (1 << shift)) for shift in geometry.LEVEL_SHIFTS[::-1])
    # A leaf needs no PTE table, yet has one deposited: huge pages save walks, not tables.
    return PageTables(0 if huge else pmd, pud, pgd, 1, pmd if huge else 0)
