"""struct mem_cgroup (include/linux/memcontrol.h, 6.18)."""

from __future__ import annotations

from thplab.mm.include.state import Struct


class MemCgroup(Struct):
    """struct mem_cgroup: ``usage`` and ``max`` in pages (None: no limit); ``number`` from 1 on."""

    __slots__ = ("max", "name", "number", "usage")
    name: str
    number: int  # css->id in the kernel: mem_map keeps this number, not a pointer
    usage: int  # atomic_long_t (struct page_counter), pages
    max: int | None  # unsigned long (struct page_counter), pages

    def __init__(self, name: str, number: int) -> None:
        """An empty group without a limit."""
        self.name = name
        self.number = number
        self.usage = 0
        self.max = None
