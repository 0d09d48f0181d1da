"""The values of the files under /proc/sys/vm that the model has."""

from __future__ import annotations

from thplab.mm.include.state import Struct

__all__ = ["Sysctl"]


class Sysctl(Struct):
    """The present values (int): reserve in kB, a fragmentation index, a percentage, what was dropped last."""

    __slots__ = ("compaction_proactiveness", "drop_caches", "extfrag_threshold", "min_free_kbytes")
    min_free_kbytes: int
    extfrag_threshold: int
    compaction_proactiveness: int
    drop_caches: int

    def __init__(self) -> None:
        """The kernel's defaults; the reserve is computed once the zones are known."""
        self.min_free_kbytes = 0
        self.extfrag_threshold = 500
        self.compaction_proactiveness = 20
        self.drop_caches = 0
