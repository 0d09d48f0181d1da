"""Faces of all memory: /proc/buddyinfo, pagetypeinfo, vmstat, meminfo, and the extfrag indices.

mm/vmstat.c, mm/show_mem.c, fs/proc/meminfo.c, 6.18: the text is that of a real machine, so what a reader
learns to read here is what is shown there.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from thplab.mm.include.errors import KernelError
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_for_each
from thplab.mm.include.mmzone import MIGRATE_NAMES, MIGRATE_TYPES, Node, Zone, free_list
from thplab.mm.include.page import folio_nr_pages
from thplab.mm.include.vm_event_item import EVENTS
from thplab.mm.swap import LRU_NAMES, lru_list
from thplab.mm.vmstat import fragmentation_index, unusable_free_index, vm_event

#: pagetypeinfo stops counting a list here.
_MOST_COUNTED = 100_000


def _zone_head(zone: Zone) -> str:
    """The beginning of a line about a zone."""
    return f"Node {Node.NODE_ID}, zone {zone.name:>8} "


def buddyinfo_line(head: str, counts: Sequence[int]) -> str:
    """One line of numbers as the kernel aligns them; pagetypeinfo counts no further than ``>100000``."""
    limit = _MOST_COUNTED if ", type " in head else max(counts) + 1
    cells = (f">{limit}" if count >= limit else f"{count:6}" for count in counts)
    return head + "".join(f"{cell} " for cell in cells) + "\n"


def buddyinfo(kernel: Kernel) -> str:
    """/proc/buddyinfo: free blocks of each order, a line for each zone.

    Locks expected: none. Takes zone->lock in the kernel.
    """
    return "".join(buddyinfo_line(_zone_head(zone), zone.nr_free) for zone in kernel.node.zones)


def pagetypeinfo(kernel: Kernel) -> str:
    """/proc/pagetypeinfo: the same by migrate type, and how many pageblocks have each type.

    Locks expected: none. Takes zone->lock in the kernel, and drops it between the lists.
    """
    geometry, zones = kernel.geometry, kernel.node.zones
    orders = range(geometry.MAX_PAGE_ORDER + 1)
    parts = [
        f"Page block order: {geometry.HPAGE_PMD_ORDER}\nPages per block:  {geometry.HPAGE_PMD_NR}\n\n",
        f"{'Free pages count per migrate type at order':<43} ",
        *(f"{order:6} " for order in orders),
        "\n",
    ]
    for zone in zones:
        for migratetype, name in enumerate(MIGRATE_NAMES):
            head = f"Node {Node.NODE_ID:4}, zone {zone.name:>8}, type {name:>12} "
            # The zone knows only a number for each order: the lists have to be walked.
            counts = [_list_length(kernel, free_list(zone, order, migratetype)) for order in orders]
            parts.append(buddyinfo_line(head, counts))
    parts += [f"\n{'Number of blocks type':<23}", *(f"{name:>12} " for name in MIGRATE_NAMES), "\n"]
    for zone in zones:
        parts.append(_zone_head(zone) + "".join(f"{n:12} " for n in _blocks_by_type(kernel, zone)) + "\n")
    return "".join(parts)


def _list_length(kernel: Kernel, head: int) -> int:
    """Entries on a list."""
    return sum(1 for _ in list_for_each(kernel.mem_map.links, head))


def _blocks_by_type(kernel: Kernel, zone: Zone) -> list[int]:
    """How many of the zone's pageblocks have each type."""
    mem_map = kernel.mem_map
    first = (zone.zone_start_pfn >> mem_map.pageblock_order) - (mem_map.start_pfn >> mem_map.pageblock_order)
    last = ((zone.zone_end_pfn - 1) >> mem_map.pageblock_order) - (
        mem_map.start_pfn >> mem_map.pageblock_order
    )
    types = list(mem_map.pageblock_migratetype[first : last + 1])
    return [types.count(number) for number in range(MIGRATE_TYPES)]


def vmstat(kernel: Kernel) -> str:
    """/proc/vmstat: the counters that the model has, a line each, in the kernel's order; most are pages."""
    lists = {f"nr_{name}": _pages_on_lru(kernel, name) for name in LRU_NAMES}
    # The counters of the LRU lists are not kept, but counted here; they are second in the file.
    free, *others = (name for name in EVENTS if name not in _NOT_IN_VMSTAT)
    values = {free: vm_event(kernel, free), **lists, **{name: vm_event(kernel, name) for name in others}}
    return "".join(f"{name} {value}\n" for name, value in values.items())


#: Counters of the model that the file splits by zone.
_NOT_IN_VMSTAT = ("pgalloc",)


def _pages_on_lru(kernel: Kernel, name: str) -> int:
    """Base pages of the folios on an LRU list."""
    head = lru_list(kernel, LRU_NAMES.index(name))
    mem_map = kernel.mem_map
    return sum(folio_nr_pages(mem_map, folio) for folio in list_for_each(mem_map.links, head))


def meminfo(kernel: Kernel) -> str:
    """/proc/meminfo: what there is, what is free, and the lines about huge pages (kB)."""
    nr = kernel.geometry.HPAGE_PMD_NR
    pages = {
        "MemTotal": sum(zone.managed_pages for zone in kernel.node.zones),
        "MemFree": sum(zone.free_pages for zone in kernel.node.zones),
        "Active(anon)": _pages_on_lru(kernel, "active_anon"),
        "Inactive(anon)": _pages_on_lru(kernel, "inactive_anon"),
        "AnonPages": vm_event(kernel, "nr_anon_pages"),
        "PageTables": vm_event(kernel, "nr_page_table_pages"),
        "AnonHugePages": nr * vm_event(kernel, "nr_anon_transparent_hugepages"),
        "ShmemHugePages": nr * vm_event(kernel, "nr_shmem_hugepages"),
        "ShmemPmdMapped": nr * vm_event(kernel, "nr_shmem_pmdmapped"),
    }
    # A page is 4 KiB: hence the factor.
    return "".join(f"{name + ':':<16}{4 * value:8} kB\n" for name, value in pages.items())


def extfrag_index(kernel: Kernel) -> str:
    """debugfs extfrag/extfrag_index: why a request of each order would fail; -1.000: it would not."""
    return _index_lines(kernel, fragmentation_index, 2)


def unusable_index(kernel: Kernel) -> str:
    """debugfs extfrag/unusable_index: how much of the free memory is no use for each order."""
    return _index_lines(kernel, unusable_free_index, 1)


def _index_lines(kernel: Kernel, measure: Callable[[Zone, int], int], width: int) -> str:
    """One line for each zone, an index for each order in thousandths; ``width``: digits before the point."""
    lines = []
    for zone in kernel.node.zones:
        line = _zone_head(zone)
        for order in range(zone.max_order + 1):
            value = measure(zone, order)
            whole = f"{'-' if value < 0 else ''}{abs(value) // 1000}"
            line += f"{whole:>{width}}.{abs(value) % 1000:03} "
        lines.append(line + "\n")
    return "".join(lines)


#: path -> what prints it
FACES: dict[str, Callable[[Kernel], str]] = {
    "/proc/buddyinfo": buddyinfo,
    "/proc/pagetypeinfo": pagetypeinfo,
    "/proc/vmstat": vmstat,
    "/proc/meminfo": meminfo,
    "/sys/kernel/debug/extfrag/extfrag_index": extfrag_index,
    "/sys/kernel/debug/extfrag/unusable_index": unusable_index,
}


def read_face(kernel: Kernel, path: str) -> str:
    """The text of one of the files. Raises KernelError (ENOENT) for another path. Locks expected: none."""
    if path not in FACES:
        raise KernelError(errno.ENOENT, f"no file {path!r}", None, ", ".join(FACES))
    return FACES[path](kernel)
