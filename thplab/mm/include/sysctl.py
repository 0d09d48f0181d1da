"""The values of the files under /proc/sys/vm that the model has."""

from __future__ import annotations

from thplab.mm.include.state import Struct


class Sysctl(Struct):
    """The present values (int): reserve in kB, a fragmentation index, a percentage, what was dropped last.

    The two factors are ten-thousandths: of a zone, how far its marks lie apart; of the high mark, how far a
    boost may raise the marks.
    """

    __slots__ = (
        "compaction_proactiveness", "drop_caches", "extfrag_threshold", "min_free_kbytes",
        "watermark_boost_factor", "watermark_scale_factor",
    )  # fmt: skip
    min_free_kbytes: int  # int, kB
    extfrag_threshold: int  # int, 0 to 1000: below it memory is short rather than fragmented
    compaction_proactiveness: int  # unsigned int, per cent; 0: off
    drop_caches: int  # int, the last number written
    watermark_boost_factor: int  # int; 0: no boost
    watermark_scale_factor: int  # int

    def __init__(self) -> None:
        """The kernel's defaults; the reserve is computed once the zones are known."""
        self.min_free_kbytes = 0
        self.extfrag_threshold = 500
        self.compaction_proactiveness = 20
        self.drop_caches = 0
        self.watermark_boost_factor = 15000
        self.watermark_scale_factor = 10
