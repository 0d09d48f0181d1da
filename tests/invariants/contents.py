"""What a process would read, found without touching anything."""

from __future__ import annotations

from typing import Any

from tests.invariants.walk import PROTNONE, PS, P, file_entries, page_of, slot_of, walk_tables


def tokens(process: Any) -> dict[int, int]:
    """Address -> token of each base page at which something stands; anywhere else reads 0."""
    mm, kernel = process.mm, process.mm.kernel
    found = _unmapped_pages_of_files(mm)
    contents, nr = kernel.mem_map.contents, kernel.geometry.entries
    for level, _, address, entry in walk_tables(mm):
        if level == 3:
            mapped = entry & (P | PROTNONE)
            found[address] = contents[page_of(kernel, entry)] if mapped else _swapped(kernel, entry)
        elif level == 2 and entry & PS:
            page = page_of(kernel, entry)
            found.update(
                zip(range(address, address + nr * 4096, 4096), contents[page : page + nr], strict=True)
            )
    return found


def read_back(process: Any, address: int, pages: int) -> list[int]:
    """The tokens of ``pages`` base pages from ``address`` on."""
    found = tokens(process)
    return [found.get(each, 0) for each in range(address, address + pages * 4096, 4096)]


def peek(process: Any, address: int) -> int:
    """The token at ``address``: 0 where nothing is mapped."""
    return tokens(process).get(address & ~0xFFF, 0)


def _swapped(kernel: Any, entry: int) -> int:
    """The token of a page that is swapped out; 0 for a marker."""
    slot = slot_of(entry)
    if slot is None:
        return 0
    cached = kernel.swap.cache[slot]
    return int(kernel.mem_map.contents[cached - 1] if cached else kernel.swap.contents[slot])


def _unmapped_pages_of_files(mm: Any) -> dict[int, int]:
    """What the files hold that are mapped, by address: a fault would show it."""
    mem_map, swap, found = mm.kernel.mem_map, mm.kernel.swap, {}
    for vma in mm.vmas:
        for index, entry in file_entries(vma.vm_file) if vma.vm_file is not None else ():
            address = vma.vm_start + (index - vma.vm_pgoff) * 4096
            if not vma.vm_start <= address < vma.vm_end:
                continue
            if entry & 1:
                found[address] = swap.contents[entry >> 1]
            else:
                folio = (entry >> 1) - 1
                found[address] = mem_map.contents[folio + index - mem_map.index[folio]]
    return found
