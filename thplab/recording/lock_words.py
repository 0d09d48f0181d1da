"""Why a lock is taken or given back: by the lock's kind, and by who asks."""

from __future__ import annotations

__all__ = ["lock_sentence"]

#: Beginning of a lock's name -> what holding it for reading, and for writing, is good for.
_WHY = {
    "khugepaged_mm_lock": ("", "khugepaged's list and its cursor must hold still"),
    "mmap_lock": ("no VMA may change while they are looked at", "nobody may fault, map or unmap here now"),
    "vma lock": ("a fault needs this VMA only", "faults that take no mmap_lock must stay out too"),
    "anon_vma": (
        "the list of who maps these pages is read",
        "nobody may find these pages by the reverse map",
    ),
    "page table lock": ("", "the entries of this table must not change under our hands"),
}

#: (function that asks, beginning of the lock's name) -> a better reason
_BY_CALLER = {
    ("pmdp_collapse_flush", "page table lock"): "the PMD entry is about to be cleared",
    ("_publish_huge_pmd", "page table lock"): "the huge PMD is about to be set",
    ("_repopulate_pmd", "page table lock"): "the old table is about to be put back",
}

#: The same for giving back.
_RELEASED = {
    ("collapse_huge_page", "mmap_lock"): "an allocation may take long, and nobody should wait for it",
    ("_recheck_for_reading", "mmap_lock"): "the look for reading is over; it is taken for writing next",
    ("_isolate_copy_publish", "anon_vma"): "all pages are locked or back in place: no walker can do harm",
    ("khugepaged_scan_mm_slot", "khugepaged_mm_lock"): "others may register while one address space is read",
}


def lock_sentence(function: str, name: str, caller: str) -> str:
    """What ``function`` (down_read, up_write, ...) on the lock ``name``, called by ``caller``, is for."""
    kind = next((kind for kind in _WHY if name.startswith(kind)), "")
    if function.startswith("up_"):
        why = _RELEASED.get((caller, kind), "what it guarded is done")
        return f"Release {name}: {why}."
    reading, writing = _WHY.get(kind, ("", ""))
    why = _BY_CALLER.get((caller, kind)) or (reading if function.startswith("down_read") else writing)
    mode = "for reading" if function.startswith("down_read") else "for writing"
    if kind == "page table lock":
        mode = "(a spinlock)"
    return f"Take {name} {mode}" + (f": {why}." if why else ".")
