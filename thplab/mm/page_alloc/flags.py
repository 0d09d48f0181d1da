"""What an allocation may do, besides its gfp mask: alloc_flags (mm/internal.h, 6.18)."""

from __future__ import annotations

#: Which watermark the zone must stay above.
ALLOC_WMARK_MIN, ALLOC_WMARK_LOW = 0, 1
#: Take nothing that would mix types.
ALLOC_NOFRAGMENT = 0x100
#: The caller may wake kswapd.
ALLOC_KSWAPD = 0x800
