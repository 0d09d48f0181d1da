"""The page cache: which folio holds which page of a file (mm/filemap.c, include/linux/fs.h, 6.18).

A file's contents live in its *address space*: ``i_pages`` maps the page number in the file to a
folio. A huge folio stands at each of the 512 numbers that it covers. Where a page of shared memory
was swapped out, a *value* stands instead of a folio: its lowest bit is set, the rest is the slot.
``i_mmap`` knows the VMAs that map the file: through it a folio finds who maps it.
"""

from __future__ import annotations

from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mm_types import Vma, linear_page_index
from thplab.mm.include.page import MemMap, PG_anon, PG_head, folio_nr_pages, folio_ref_add
from thplab.mm.include.state import Column
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.vmstat import count_vm_event


def xa_load(mapping: AddressSpace, index: int) -> int:
    """The entry (void *) of page ``index``: 0 none, odd a value, else :func:`entry_folio` names a folio.

    ``index``: pgoff_t.
    Locks expected: none (in C: RCU).
    """
    chunk = mapping.i_pages.get(index // mapping.nr_slots)
    return 0 if chunk is None else int(chunk[index % mapping.nr_slots])


def xa_store(mapping: AddressSpace, index: int, entry: int) -> None:
    """Replace the entry of page ``index`` (pgoff_t). Locks expected: the page lock (in C also i_pages)."""
    number, nr = index // mapping.nr_slots, mapping.nr_slots
    # Chunks are made when the first page comes: most of a large file may never be in memory.
    if number not in mapping.i_pages:
        mapping.i_pages[number] = Column("Q", nr, f"i_pages {mapping.number}.{number}")
    mapping.i_pages[number][index % nr] = entry


def xa_is_value(entry: int) -> bool:
    """True if the entry (void *) names no folio but a slot in swap."""
    return bool(entry & 1)


def xa_to_value(entry: int) -> int:
    """The slot that a value stands for."""
    return entry >> 1


def xa_mk_value(value: int) -> int:
    """The entry that stands for a slot."""
    return value << 1 | 1


def entry_folio(entry: int) -> int:
    """The folio (its first page) that an entry names."""
    return (entry >> 1) - 1


def filemap_get_folio(mapping: AddressSpace, index: int) -> int | None:
    """The folio that holds page ``index`` (pgoff_t); None if the page is not in memory.

    Takes no reference, unlike the kernel's.
    Locks expected: none.
    """
    entry = xa_load(mapping, index)
    return entry_folio(entry) if entry and not xa_is_value(entry) else None


def filemap_add_folio(kernel: Kernel, mapping: AddressSpace, folio: int, index: int) -> None:
    """Put a new folio into the cache at ``index`` (pgoff_t); the cache holds a reference for each page.

    Locks expected: the page lock, or no other task knows the folio.
    """
    mem_map = kernel.mem_map
    nr = folio_nr_pages(mem_map, folio)
    for offset in range(nr):
        mem_map.mapping[folio + offset] = mapping.number
        mem_map.index[folio + offset] = index + offset
    # One for each page, so that a folio can be split without counting again.
    folio_ref_add(mem_map, folio, nr)
    # Last: from here on others find the folio, which then knows its file and its place.
    store_folio(kernel, mapping, folio, index)


def store_folio(kernel: Kernel, mapping: AddressSpace, folio: int, index: int) -> None:
    """Let the entries of the folio's pages name it, and count them.

    Locks expected: the page lock, or no other task knows the folio.
    """
    for offset in range(folio_nr_pages(kernel.mem_map, folio)):
        xa_store(mapping, index + offset, folio + 1 << 1)
    account_folio(kernel, mapping, folio, 1)


def account_folio(kernel: Kernel, mapping: AddressSpace, folio: int, sign: int) -> None:
    """Add the folio's pages to what is in the cache (``sign`` 1), or subtract them (-1)."""
    nr = folio_nr_pages(kernel.mem_map, folio)
    mapping.nrpages += sign * nr
    count_vm_event(kernel, "nr_file_pages", sign * nr)
    # Every file of the model is shared memory; clean pages of files on disk are in readahead.py.
    count_vm_event(kernel, "nr_shmem", sign * nr)
    if kernel.mem_map.flags[folio] & PG_head:
        count_vm_event(kernel, "nr_shmem_hugepages", sign)


def filemap_remove_folio(kernel: Kernel, mapping: AddressSpace, folio: int, *, entry: int = 0) -> None:
    """Take a folio out of the cache, with the cache's references; ``entry`` takes its place.

    Without another reference the folio is freed.
    Locks expected: the page lock.
    """
    mem_map = kernel.mem_map
    nr = folio_nr_pages(mem_map, folio)
    for offset in range(nr):
        xa_store(mapping, mem_map.index[folio + offset], entry)
        # A task that found the folio before and waits for its lock sees by this that it has left the file.
        mem_map.mapping[folio + offset] = 0
    account_folio(kernel, mapping, folio, -1)
    # Last: it may free the folio.
    folio_put(kernel, folio, nr)


def folio_mapping(kernel: Kernel, folio: int) -> AddressSpace | None:
    """The address space that a folio of a file belongs to; None for any other folio.

    Locks expected: the page lock, or the folio may leave the file at any time.
    """
    # Of an anonymous page the same field holds the number of an anon_vma.
    number = 0 if kernel.mem_map.flags[folio] & PG_anon else kernel.mem_map.mapping[folio]
    return next((mapping for mapping in kernel.mappings if mapping.number == number), None)


def folio_page(mem_map: MemMap, folio: int, index: int) -> int:
    """The page of the folio that holds page ``index`` (pgoff_t) of the file."""
    return int(folio + index - mem_map.index[folio])


def vma_interval_tree_foreach(mapping: AddressSpace, first: int, last: int) -> list[Vma]:
    """The VMAs that map any of the file's pages ``first..last`` (pgoff_t). Locks expected: i_mmap_rwsem."""
    # A list, not a search tree: the model has few mappings.
    return [
        vma
        for vma in mapping.i_mmap
        if vma.vm_pgoff <= last and first <= linear_page_index(vma, vma.vm_end - 1)
    ]
