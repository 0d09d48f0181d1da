"""Numbers of a backtrace, taken apart: an address, a ``struct page *``, a GFP mask."""

from __future__ import annotations

from thplab.mm.include.geometry import X86_64
from thplab.mm.include.gfp import GFP_BITS, gfp_names
from thplab.mm.include.page import VMEMMAP_START
from thplab.table import Table

#: The four levels of x86-64 and how far right an address is shifted for each.
LEVELS = {
    "PGD": X86_64.PGDIR_SHIFT,
    "PUD": X86_64.PUD_SHIFT,
    "PMD": X86_64.PMD_SHIFT,
    "PTE": X86_64.PAGE_SHIFT,
}

_STRUCT_PAGE = 64
_HUGE = X86_64.HPAGE_PMD_SIZE

_GFP_MEANS = {
    "HIGHMEM": "the page may lie anywhere in physical memory",
    "MOVABLE": "compaction may move it later",
    "IO": "reclaim may start disk transfers",
    "FS": "reclaim may call into file systems",
    "DIRECT_RECLAIM": "the caller itself may reclaim and compact, and wait for it",
    "KSWAPD_RECLAIM": "kswapd is woken, and through it perhaps kcompactd",
    "NOWARN": "no warning in the log if there is none",
    "COMP": "all pages of the block become one compound page",
    "NOMEMALLOC": "the emergency reserves stay untouched",
    "HARDWALL": "keep to the memory nodes of the cpuset",
    "NORETRY": "give up after one try",
    "THISNODE": "on this memory node or not at all",
}


def table_indices(address: int) -> dict[str, int]:
    """The index of an address in the table of each level."""
    return {level: address >> shift & (X86_64.PTRS_PER_PTE - 1) for level, shift in LEVELS.items()}


def split_address(address: int) -> Table:
    """An address as the processor reads it: four indices and an offset."""
    rows = [
        (level, f"{LEVELS[level] + 8} to {LEVELS[level]}", index, f"{1 << LEVELS[level]:,} bytes")
        for level, index in table_indices(address).items()
    ]
    offset = address & (X86_64.PAGE_SIZE - 1)
    rows.append(("offset", f"{X86_64.PAGE_SHIFT - 1} to 0", offset, "1 byte"))
    inside = address & (_HUGE - 1)
    whole = "the first byte of a 2 MiB window" if not inside else f"byte {inside:,} of its 2 MiB window"
    return Table.of(("level", "bits", "index", "one step is"), rows, f"{address} = {address:#x} is {whole}.")


def page_pfn(pointer: int) -> int:
    """The page frame number of a ``struct page *`` (vmemmap not randomised).

    ValueError if the pointer is not that of a ``struct page``.
    """
    offset = pointer - VMEMMAP_START
    if offset < 0 or offset % _STRUCT_PAGE:
        raise ValueError(f"{pointer:#x} is not {VMEMMAP_START:#x} plus a multiple of {_STRUCT_PAGE}")
    return offset // _STRUCT_PAGE


def decode_page(pointer: int) -> Table:
    """From a ``struct page *`` to the place of the page in physical memory."""
    pfn = page_pfn(pointer)
    rest = pfn % X86_64.HPAGE_PMD_NR
    rows = [
        ("struct page *", f"{pointer:#x}", "where the kernel keeps its record of the page"),
        ("minus vmemmap", f"{pointer - VMEMMAP_START:#x}", f"all records from {VMEMMAP_START:#x} on"),
        ("/ 64 = pfn", f"{pfn:#x} = {pfn}", f"a record is {_STRUCT_PAGE} bytes long; this is its number"),
        ("pfn % 512", rest, "no huge page begins here" if rest else "a block of 512 frames may begin here"),
        ("x 4096", f"{pfn << 12:#x}", f"the physical address: at {(pfn << 12) / (1 << 30):.1f} GiB"),
    ]  # fmt: skip
    return Table.of(("step", "value", "what it is"), rows)


def decode_gfp(mask: int) -> Table:
    """A GFP mask bit by bit; of the two bits that say who reclaims, also the one that is not set."""
    shown = {*gfp_names(mask), "DIRECT_RECLAIM", "KSWAPD_RECLAIM"}
    rows = [
        (f"__GFP_{name}", f"{1 << bit:#x}", "set" if mask >> bit & 1 else "NOT set", _GFP_MEANS.get(name, ""))
        for name, bit in GFP_BITS.items()
        if name in shown
    ]
    return Table.of(("flag", "value", "", "if it is set"), rows, f"{mask} = {mask:#x}")
