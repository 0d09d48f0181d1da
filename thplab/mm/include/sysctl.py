"""The values of the files under /proc/sys/vm that the model has."""

from __future__ import annotations

from thplab.mm.include.state import Struct

__all__ = ["Sysctl"]


class Sysctl(Struct):
    """The present values (int): reserve in kB, a fragmentation index, a percentage, what was dropped last.

    The two factors are ten-thousandths: of a zone, how far its marks lie apart; of the high mark, how far a
    boost may raise the marks (0: no boost).
    """

    __slots__ = (
        "compaction_proactiveness", "drop_caches", "extfrag_threshold", "min_free_kbytes",
        "watermark_boost_factor", "watermark_scale_factor",
    )  # fmt: skip
    min_free_kbytes: int
    extfrag_threshold: int
    compaction_proactiveness: int
    drop_caches: int
    watermark_boost_factor: int
    watermark_scale_factor: int

    def __init__(self) -> None:
        """The kernel's defaults; the reserve is computed once the zones are known."""
        self.min_free_kbytes = 0
        self.extfrag_threshold = 500
        self.compaction_proactiveness = 20
        self.drop_caches = 0
        self.watermark_boost_factor = 15000
        self.watermark_scale_factor = 10
