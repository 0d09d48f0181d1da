"""Page tables and lists, walked without the code of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

P, RW, PS, PROTNONE = 1 << 0, 1 << 1, 1 << 7, 1 << 8
FRAME = ((1 << 52) - 1) & ~0xFFF


def shifts(kernel: Any) -> tuple[int, int, int, int]:
    """Address shifts of PGD, PUD, PMD, PTE: each table resolves log2(entries) bits above the offset."""
    bits = kernel.geometry.entries.bit_length() - 1
    return 12 + 3 * bits, 12 + 2 * bits, 12 + bits, 12


def zones_of(kernel: Any) -> list[Any]:
    """All zones, that of the kernel's own pages included."""
    outside = kernel.node.kernel_zone
    return [*kernel.node.zones, *([outside] if outside else [])]


def list_heads(kernel: Any) -> Iterator[tuple[Any, int, int]]:
    """(zone, order, list head) of each free list: five migrate types, one after the other, in each zone."""
    for zone in zones_of(kernel):
        orders = zone.max_order + 1
        for number in range(5 * orders):
            yield zone, number % orders, zone.free_lists + number


def free_list(kernel: Any) -> list[tuple[int, int]]:
    """(first page, order) of each free block, read off the lists from both ends."""
    blocks = []
    following, previous = kernel.mem_map.links
    for zone, order, head in list_heads(kernel):
        if following[head] == previous[head] == head:
            continue
        forwards = _listed(following, head, kernel.mem_map.nr_frames)
        backwards = _listed(previous, head, kernel.mem_map.nr_frames)
        assert forwards == backwards[::-1], f"free list of {zone.name}, order {order} is torn"
        blocks += [(page, order) for page in forwards]
    return blocks


def entries(kernel: Any, head: int) -> list[int]:
    """What stands on a list, in order."""
    return _listed(kernel.mem_map.lru_next, head, kernel.mem_map.nr_frames)


def _listed(links: Any, head: int, most: int) -> list[int]:
    """The list from its head on, as one of the two columns of links says; ``most``: it may be a ring."""
    found, entry = [], links[head]
    while entry != head and len(found) <= most:
        found.append(entry)
        entry = links[entry]
    return found


def page_of(kernel: Any, entry: int) -> int:
    """Index of the frame that an entry names."""
    return ((entry & FRAME) >> 12) - kernel.mem_map.start_pfn


def walk_tables(mm: Any) -> Iterator[tuple[int, int, int, int]]:
    """(level, table page, address, entry) of each entry that is not 0; level 0 is the PGD."""
    levels = shifts(mm.kernel)
    tables, start_pfn = mm.kernel.tables, mm.kernel.mem_map.start_pfn

    def below(page: int, level: int, base: int) -> Iterator[tuple[int, int, int, int]]:
        shift = levels[level]
        for index, entry in enumerate(tables[page]):
            if entry:
                address = base + (index << shift)
                yield level, page, address, entry
                if level < 3 and not entry & PS:
                    yield from below(((entry & FRAME) >> 12) - start_pfn, level + 1, address)

    yield from below(mm.pgd, 0, 0)


def deposited(kernel: Any, pmd_table: int) -> list[int]:
    """Pages of the tables that are kept for the leaves of one PMD table."""
    chain, link = [], kernel.mem_map.mapping[pmd_table]
    while link:
        chain.append(link - 1)
        link = kernel.mem_map.mapping[link - 1]
    return chain


def slot_of(entry: int) -> int | None:
    """The swap slot that a non-present entry names; None for a marker (type 31)."""
    return None if entry >> 59 == 31 else ~(entry >> 9) & ((1 << 50) - 1)


def vma_of(mm: Any, address: int) -> Any:
    """The VMA at ``address``, or None."""
    for vma in mm.vmas:
        if vma.vm_start <= address < vma.vm_end:
            return vma
    return None


def index_in(vma: Any, address: int) -> int:
    """page->index of what the VMA maps at ``address``."""
    return int(vma.vm_pgoff + (address - vma.vm_start) // 4096)


def file_entries(mapping: Any) -> Iterator[tuple[int, int]]:
    """(page of the file, entry) of each page that the page cache knows."""
    for number, chunk in mapping.i_pages.items():
        yield from ((number * len(chunk) + n, entry) for n, entry in enumerate(chunk) if entry)
