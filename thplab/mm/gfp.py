"""GFP masks: under which conditions an allocation may work (include/linux/gfp_types.h, 6.18)."""

from __future__ import annotations

__all__ = [
    "GFP_BITS",
    "GFP_HIGHUSER_MOVABLE",
    "GFP_KERNEL",
    "GFP_PGTABLE_USER",
    "GFP_TRANSHUGE",
    "GFP_TRANSHUGE_LIGHT",
    "gfp_names",
]

GFP_BITS = {
    "DMA": 0, "HIGHMEM": 1, "DMA32": 2, "MOVABLE": 3, "RECLAIMABLE": 4, "HIGH": 5, "IO": 6, "FS": 7,
    "ZERO": 8, "DIRECT_RECLAIM": 10, "KSWAPD_RECLAIM": 11, "WRITE": 12, "NOWARN": 13,
    "RETRY_MAYFAIL": 14, "NOFAIL": 15, "NORETRY": 16, "MEMALLOC": 17, "COMP": 18, "NOMEMALLOC": 19,
    "HARDWALL": 20, "THISNODE": 21, "ACCOUNT": 22,
}  # fmt: skip
"""Bit numbers of the ``__GFP_*`` flags."""


def _mask(*names: str) -> int:
    return sum(1 << GFP_BITS[name] for name in names)


GFP_KERNEL = _mask("IO", "FS", "DIRECT_RECLAIM", "KSWAPD_RECLAIM")
GFP_PGTABLE_USER = GFP_KERNEL | _mask("ZERO", "ACCOUNT")
GFP_HIGHUSER_MOVABLE = GFP_KERNEL | _mask("HARDWALL", "HIGHMEM", "MOVABLE")
GFP_TRANSHUGE_LIGHT = (GFP_HIGHUSER_MOVABLE | _mask("COMP", "NOMEMALLOC", "NOWARN")) & ~_mask(
    "DIRECT_RECLAIM", "KSWAPD_RECLAIM"
)
GFP_TRANSHUGE = GFP_TRANSHUGE_LIGHT | _mask("DIRECT_RECLAIM")
GFP_ZERO = _mask("ZERO")
GFP_COMP = _mask("COMP")
GFP_KSWAPD_RECLAIM = _mask("KSWAPD_RECLAIM")
GFP_DIRECT_RECLAIM = _mask("DIRECT_RECLAIM")
GFP_NORETRY = _mask("NORETRY")


def gfp_names(mask: int) -> tuple[str, ...]:
    """The ``__GFP_*`` flags in ``mask``, lowest bit first, without the prefix."""
    return tuple(name for name, bit in GFP_BITS.items() if mask >> bit & 1)
