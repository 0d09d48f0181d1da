"""What khugepaged remembers between two scans: struct khugepaged_scan and its like.

The variables stand in mm/khugepaged.c; here they have a file of their own, because the kernel's
root object (include/kernel.py) holds them.
"""

from __future__ import annotations

from thplab.mm.include.lock import KHUGEPAGED_MM_LOCK, Lock
from thplab.mm.include.mm_types import Mm
from thplab.mm.include.sched import Kthread
from thplab.mm.include.state import Column, Struct


class MmSlot(Struct):
    """struct mm_slot: by it khugepaged remembers one address space (``mm``, struct mm_struct *).

    The kernel also hashes slots by mm; the model walks its short list.
    """

    __slots__ = ("mm",)
    mm: Mm

    def __init__(self, mm: Mm) -> None:
        """A slot for ``mm``."""
        self.mm = mm


class CollapseControl(Struct):
    """struct collapse_control: who collapses, and what the scan found for the allocation.

    ``is_khugepaged`` (bool) is False for MADV_COLLAPSE; ``node_load`` (u32[nr_nodes]) counts the pages
    of the window on each node; ``alloc_nmask`` (nodemask_t) has one bit for each node worth allocating
    from; ``ptes_read``: how many entries the last scan read, which is what it costs in 7.3.
    """

    __slots__ = ("alloc_nmask", "is_khugepaged", "name", "node_load", "ptes_read")
    name: str
    is_khugepaged: bool
    node_load: Column
    alloc_nmask: int
    ptes_read: int

    def __init__(self, name: str, *, is_khugepaged: bool) -> None:
        """A control structure with nothing found out yet, for a machine with one node."""
        self.name = name
        self.is_khugepaged = is_khugepaged
        # One entry: the model's machine has one node.
        self.node_load = Column("I", 1, f"{name}.node_load")
        self.alloc_nmask = 0
        self.ptes_read = 0


class Khugepaged(Struct):
    """The daemon's variables (struct khugepaged_scan and the static variables of mm/khugepaged.c).

    ``thread``: the kthread or None. ``mm_head``, ``scan_mm_slot``, ``scan_address``: the list of
    registered address spaces and the cursor in it (khugepaged_scan.mm_head, .mm_slot, .address), all
    three guarded by ``mm_lock`` (khugepaged_mm_lock). ``sleep_expire`` (ns): no scan before this time
    (khugepaged_sleep_expire); ``wakeups``: how often the wait queue was woken, which ends the nap after
    a failed allocation. ``progress_of_pass`` (units of the present pass) and ``passes`` (passes begun)
    exist for people only.
    """

    __slots__ = (
        "collapse_control", "full_scans", "mm_head", "mm_lock", "pages_collapsed", "passes",
        "progress_of_pass", "scan_address", "scan_mm_slot", "sleep_expire", "thread", "wakeups",
    )  # fmt: skip
    thread: Kthread | None
    mm_lock: Lock
    mm_head: tuple[MmSlot, ...]
    scan_mm_slot: MmSlot | None
    scan_address: int
    sleep_expire: int
    wakeups: int
    full_scans: int
    pages_collapsed: int
    passes: int
    progress_of_pass: int
    collapse_control: CollapseControl

    def __init__(self) -> None:
        """No address space registered, no thread."""
        self.thread = None
        self.mm_lock = Lock(KHUGEPAGED_MM_LOCK)
        # A tuple that is replaced, not a list that changes: each change is one store.
        self.mm_head = ()
        self.scan_mm_slot = None
        self.scan_address = 0
        self.sleep_expire = 0
        self.wakeups = 0
        self.full_scans = 0
        self.pages_collapsed = 0
        self.passes = 0
        self.progress_of_pass = 0
        # One for the only daemon; each MADV_COLLAPSE makes its own, since many can run at once.
        self.collapse_control = CollapseControl("khugepaged_collapse_control", is_khugepaged=True)
