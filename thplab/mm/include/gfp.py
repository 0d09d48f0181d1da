"""GFP masks: under which conditions an allocation may work (include/linux/gfp_types.h, 6.18)."""

from __future__ import annotations

#: mobility of the pages that a mask asks for (enum migratetype)
MIGRATE_UNMOVABLE, MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE = 0, 1, 2

GFP_BITS = {
    "DMA": 0, "HIGHMEM": 1, "DMA32": 2, "MOVABLE": 3, "RECLAIMABLE": 4, "HIGH": 5, "IO": 6, "FS": 7,
    "ZERO": 8, "DIRECT_RECLAIM": 10, "KSWAPD_RECLAIM": 11, "WRITE": 12, "NOWARN": 13,
    "RETRY_MAYFAIL": 14, "NOFAIL": 15, "NORETRY": 16, "MEMALLOC": 17, "COMP": 18, "NOMEMALLOC": 19,
    "HARDWALL": 20, "THISNODE": 21, "ACCOUNT": 22,
}  # fmt: skip
"""Bit numbers of the ``__GFP_*`` flags."""


def _mask(*names: str) -> int:
    """The bits of these flags."""
    return sum(1 << GFP_BITS[name] for name in names)


GFP_KERNEL = _mask("IO", "FS", "DIRECT_RECLAIM", "KSWAPD_RECLAIM")  # may sleep, reclaim, read and write
GFP_PGTABLE_USER = GFP_KERNEL | _mask("ZERO", "ACCOUNT")  # tables must be empty, and are charged
GFP_HIGHUSER_MOVABLE = GFP_KERNEL | _mask("HARDWALL", "HIGHMEM", "MOVABLE")
#: No reclaim bit at all: a free block from the lists, or nothing.
GFP_TRANSHUGE_LIGHT = (GFP_HIGHUSER_MOVABLE | _mask("COMP", "NOMEMALLOC", "NOWARN")) & ~_mask(
    "DIRECT_RECLAIM", "KSWAPD_RECLAIM"
)
GFP_TRANSHUGE = GFP_TRANSHUGE_LIGHT | _mask("DIRECT_RECLAIM")  # compacts by itself, does not wake kswapd
GFP_MOVABLE = _mask("MOVABLE")
GFP_RECLAIMABLE = _mask("RECLAIMABLE")
GFP_DMA = _mask("DMA")
GFP_DMA32 = _mask("DMA32")
GFP_ZERO = _mask("ZERO")
GFP_COMP = _mask("COMP")
GFP_KSWAPD_RECLAIM = _mask("KSWAPD_RECLAIM")
GFP_DIRECT_RECLAIM = _mask("DIRECT_RECLAIM")
GFP_NORETRY = _mask("NORETRY")
GFP_THISNODE = _mask("THISNODE")
GFP_IO = _mask("IO")
GFP_RETRY_MAYFAIL = _mask("RETRY_MAYFAIL")

#: Masks that have a name of their own, in the order in which the kernel looks for them.
NAMED = (
    ("GFP_TRANSHUGE", GFP_TRANSHUGE),
    ("GFP_TRANSHUGE_LIGHT", GFP_TRANSHUGE_LIGHT),
    ("GFP_HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE),
    ("GFP_HIGHUSER", GFP_HIGHUSER_MOVABLE & ~_mask("MOVABLE")),
    ("GFP_USER", GFP_KERNEL | _mask("HARDWALL")),
    ("GFP_KERNEL_ACCOUNT", GFP_KERNEL | _mask("ACCOUNT")),
    ("GFP_KERNEL", GFP_KERNEL),
    ("GFP_NOFS", GFP_KERNEL & ~_mask("FS")),
    ("GFP_NOIO", GFP_KERNEL & ~_mask("FS", "IO")),
)

#: What each flag asks for, in words (Documentation/core-api/memory-allocation).
_WORDS = {
    "DMA": "only memory below 16 MiB",
    "HIGHMEM": "any memory, also what the kernel could not address directly",
    "DMA32": "only memory below 4 GiB",
    "MOVABLE": "the page may be moved later, so it may stand among movable pages",
    "RECLAIMABLE": "the page can be freed on demand, so it stands among reclaimable pages",
    "HIGH": "urgent: may use half of the reserve",
    "IO": "may start disk input and output",
    "FS": "may call into a file system",
    "ZERO": "fill the page with zeros",
    "DIRECT_RECLAIM": "the caller may wait: reclaim and compact by itself",
    "KSWAPD_RECLAIM": "wake kswapd if no free page is found",
    "WRITE": "the page will be written soon",
    "NOWARN": "do not log a failure",
    "RETRY_MAYFAIL": "try hard, but failing is allowed",
    "NOFAIL": "never fail",
    "NORETRY": "one light attempt, then fail",
    "MEMALLOC": "may use all reserves",
    "COMP": "make the block one compound page",
    "NOMEMALLOC": "may not use reserves",
    "HARDWALL": "only nodes that the cpuset allows",
    "THISNODE": "only this node",
    "ACCOUNT": "charge the page to the memory cgroup",
}


def gfp_names(mask: int) -> tuple[str, ...]:
    """The ``__GFP_*`` flags in ``mask`` (gfp_t), lowest bit first, without the prefix."""
    return tuple(name for name, bit in GFP_BITS.items() if mask >> bit & 1)


def gfp_text(mask: int) -> str:
    """The mask as a trace line prints it: named masks first, then what is left, flag by flag."""
    words, left = [], mask
    # The larger masks come first: a name that fits takes its bits, what is left is spelt out.
    for name, bits in NAMED:
        if left & bits == bits:
            words.append(name)
            left &= ~bits
    words += [f"__GFP_{name}" for name in gfp_names(left)]
    return "|".join(words) or "none"


def gfp_words(mask: int) -> tuple[str, ...]:
    """One line for each flag: its name and what it asks for."""
    return tuple(f"__GFP_{name}: {_WORDS[name]}" for name in gfp_names(mask))


def gfp_migratetype(mask: int) -> int:
    """Which kind of pages is asked for (enum migratetype): MIGRATE_UNMOVABLE, _MOVABLE or _RECLAIMABLE."""
    # Two bits of the mask; both set would be a bug of the caller.
    if mask & GFP_MOVABLE:
        return MIGRATE_MOVABLE
    return MIGRATE_RECLAIMABLE if mask & GFP_RECLAIMABLE else MIGRATE_UNMOVABLE


def gfp_zone(mask: int) -> str:
    """Name of the highest zone that the mask allows; the zones below it are allowed as well.

    Pages that can be moved may come from zone Movable, also on a machine where that has no pages.
    """
    if mask & GFP_DMA:
        return "DMA"
    if mask & GFP_DMA32:
        return "DMA32"
    movable = GFP_BITS["HIGHMEM"], GFP_BITS["MOVABLE"]
    return "Movable" if all(mask >> bit & 1 for bit in movable) else "Normal"
