"""Every place of the model that anything outside refers to, by the function itself.

Above the model nobody retypes the name of one of its functions: sentences, verdicts, gaps of races, phases,
plots, stories and lessons refer to a :class:`Point` of this module. A function that is renamed is an
ImportError or AttributeError here; so is, with its name, a local variable that is read and no longer exists.
Labels of kernel profiles (``thplab/kernels``) lie below the model and stay names; they are checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from thplab.kernels import PROFILES
from thplab.mm import exit as mm_exit
from thplab.mm import fork, gup, memcontrol, mlock, mmap, mprotect, mremap, prctl, userfaultfd, vmstat
from thplab.mm.compaction import compact
from thplab.mm.huge_memory import fault as huge_fault
from thplab.mm.huge_memory import pmd, policy
from thplab.mm.include import huge_mm, lock, pgtable, userfaultfd_k
from thplab.mm.khugepaged import collapse, collapse_file, madvise_collapse
from thplab.mm.khugepaged import enter as mm_slot
from thplab.mm.khugepaged import pages as collapse_pages
from thplab.mm.khugepaged import scan as khugepaged
from thplab.mm.khugepaged import swapin as collapse_swapin
from thplab.mm.madvise import syscall as madvise
from thplab.mm.memory import fault as memory
from thplab.mm.page_alloc import alloc as page_alloc
from thplab.mm.vmscan import direct, kswapd

Function = Callable[..., Any]


def _variables(code: CodeType) -> frozenset[str]:
    """All local variables of a function, its parameters among them."""
    return frozenset(code.co_varnames + code.co_cellvars + code.co_freevars)


@dataclass(frozen=True, eq=False)
class Point:
    """The call of ``function``, or its return; with ``callers``, only where one of these calls it.

    ``reads``: its local variables that are read from outside. ValueError for one that it does not have.
    """

    function: Function
    reads: tuple[str, ...] = ()
    callers: tuple[Point, ...] = ()
    at_return: bool = False

    def __post_init__(self) -> None:
        """Refuse to read what is not there."""
        missing = [name for name in self.reads if name not in _variables(self.code)]
        if missing:
            raise ValueError(f"{self.name} has no variable {', '.join(missing)}; see thplab/points.py")

    @property
    def name(self) -> str:
        """The function's name."""
        return self.code.co_name

    @property
    def code(self) -> CodeType:
        """What a frame of the function runs."""
        code: CodeType = self.function.__code__
        return code

    def called_by(self, *callers: Point) -> Point:
        """The place in ``callers`` just before they call this function."""
        return Point(self.function, callers=callers)

    def returns_to(self, *callers: Point) -> Point:
        """The place in ``callers`` just after this function has returned."""
        return Point(self.function, callers=callers, at_return=True)


class Locals(Mapping[str, Any]):
    """The local variables of a call of a point, of which only the declared ones can be read.

    To read another one that the function has is an AssertionError, even with ``get``.
    """

    def __init__(self, point: Point, values: Mapping[str, Any]) -> None:
        """``values``: those of the frame."""
        self.point, self._values = point, values

    def __getitem__(self, name: str) -> Any:
        """KeyError for a variable that is not set, or that the function does not have."""
        if name not in self.point.reads and name in _variables(self.point.code):
            raise AssertionError(
                f"{self.point.name} does not declare that {name!r} is read; see thplab/points.py"
            )
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Those declared that are set."""
        return (name for name in self.point.reads if name in self._values)

    def __len__(self) -> int:
        """How many of those declared are set."""
        return sum(1 for _ in self)


#: The variable in which a loop over a table counts its entries.
ENTRY = "index"
#: Variables that hold the window's first address, the first of them that a function has; addresses of an
#: entry within it; and those that say whose window it is.
WINDOW_ADDRESS = ("start_addr", "address")
ENTRY_ADDRESS = ("addr", "address")
OWNER = ("mm", "vma")

# khugepaged, from the thread down to a window ---------------------------------------------------------
THREAD = Point(khugepaged.khugepaged)
DO_SCAN = Point(
    khugepaged.khugepaged_do_scan, ("kernel", "pages", "pass_through_head", "progress", "result", "thread")
)
WAIT_WORK = Point(khugepaged.khugepaged_wait_work, ("kernel",))
ALLOC_SLEEP = Point(khugepaged.khugepaged_alloc_sleep, ("kernel", "deadline"))
SCAN_MM = Point(khugepaged.khugepaged_scan_mm_slot, ("kernel", "pages", "mm", "progress", "mmap_locked"))
SCAN_VMAS = Point(khugepaged._scan_vmas, ("mm", "progress", "result"))
WINDOW_COST = Point(khugepaged.window_cost, ("kernel", "cc"))
SCAN = Point(
    khugepaged.scan_pmd,
    (
        "mm", "vma", "start_addr", "cc", "index", "folio", "none_or_zero", "unmapped", "referenced", "shared",
        "userfaultfd_armed", "max_ptes_none", "max_ptes_swap", "max_ptes_shared", "mmap_locked", "result",
        "pte",
    ),
)  # fmt: skip
VERDICT_OF_SCAN = Point(khugepaged._verdict_of_a_whole_scan, ("referenced", "unmapped"))
SCAN_TRACED = Point(khugepaged.trace_mm_khugepaged_scan_pmd)
DO_MADVISE = Point(madvise.do_madvise, ("mm", "start", "length", "advice"))
MADVISE = Point(madvise_collapse.madvise_collapse, ("vma", "start", "end"))
ENTER = Point(mm_slot.__khugepaged_enter, ("mm",))
EXIT = Point(mm_slot.khugepaged_exit, ("mm",))

# a collapse -----------------------------------------------------------------------------------------
COLLAPSE = Point(collapse.collapse_huge_page, ("mm", "address", "referenced", "unmapped", "result"))
COLLAPSE_FILE = Point(collapse_file.collapse_file)
ALLOCATE = Point(collapse.alloc_charge_folio, ("mm", "cc", "kernel", "folio"))
RECHECK = Point(collapse._recheck_for_reading, ("mm", "address"))
REVALIDATE = Point(collapse.hugepage_vma_revalidate, ("mm", "address", "vma"))
FIND_PMD = Point(collapse.find_pmd_or_thp_or_none, ("mm", "address"))
SWAP_IN = Point(
    collapse_swapin.__collapse_huge_page_swapin,
    ("mm", "vma", "address", "referenced", "index", "result", "pte"),
)
COLLAPSE_LOCKED = Point(collapse._collapse_locked)
CHECK_PMD = Point(collapse.check_pmd_still_valid, ("mm", "address", "result"))
FENCE = Point(collapse.pmdp_collapse_flush, ("mm", "address"))
MOVE = Point(collapse._isolate_copy_publish)
ISOLATE = Point(
    collapse_pages.__collapse_huge_page_isolate,
    (
        "vma", "address", "index", "folio", "none_or_zero", "referenced", "shared", "userfaultfd_armed",
        "isolated", "pte", "result",
    ),
)  # fmt: skip
COPY = Point(collapse_pages.__collapse_huge_page_copy, ("vma", "address", "index", "pte", "pte_table"))
FREE = Point(
    collapse_pages.__collapse_huge_page_copy_succeeded, ("mm", "vma", "address", "index", "pte", "pte_table")
)
PUBLISH = Point(collapse._publish_huge_pmd, ("vma", "address", "folio"))
REPOPULATE = Point(collapse._repopulate_pmd, ("mm", "address"))
RELEASE = Point(collapse_pages.release_pte_pages, ("isolated",))

# what else is told, and what a collapse uses ------------------------------------------------------------
FAULT = Point(memory.handle_mm_fault, ("mm", "vma", "address", "write"))
HANDLE_FAULT = Point(memory.__handle_mm_fault, ("vma", "address", "pmd", "write"))
ALLOWABLE = Point(policy.thp_vma_allowable_order, ("vma", "tva"))
CREATE_HUGE = Point(huge_fault.create_huge_pmd, ("vma", "address", "write"))
SUITABLE = Point(huge_mm.thp_vma_suitable_order, ("vma", "address"))
ALLOC_HUGE = Point(huge_fault.vma_alloc_anon_folio_pmd, ("vma",))
TAKE_BLOCK = Point(huge_fault.vma_alloc_folio, ("vma",))
TAKE_ZERO = Point(huge_fault.mm_get_huge_zero_folio)
REPLACE_ZERO = Point(huge_fault.replace_huge_zero_pmd, ("vma", "address"))
ASK_HANDLER = Point(userfaultfd_k.handle_userfault, ("address",))
CHARGE = Point(memcontrol.mem_cgroup_charge, ("mm",))
COMPACT = Point(compact.compact_zone, ("kernel", "cc"))
RECLAIM = Point(direct.try_to_free_pages, ("kernel",))
BALANCE = Point(kswapd.balance_pgdat, ("kernel",))
MMAP = Point(mmap.do_mmap, ("mm", "start", "length"))
MUNMAP = Point(mmap.do_munmap, ("mm", "start", "length"))
MPROTECT = Point(mprotect.do_mprotect, ("mm", "start", "length", "prot"))
MREMAP = Point(mremap.do_mremap, ("mm", "old", "old_length", "new"))
MLOCK = Point(mlock.do_mlock, ("mm", "start", "length"))
MUNLOCK = Point(mlock.do_munlock, ("mm", "start", "length"))
FORK = Point(fork.dup_mm, ("parent", "name"))
EXIT_BEGINS = Point(mm_exit.begin_exit, ("mm",))
EXIT_MM = Point(mm_exit.exit_mm, ("mm",))
FAULT_IN = Point(gup._faultin_page)
PIN = Point(gup.get_user_page, ("mm", "address"))
PRCTL = Point(prctl.prctl_set_thp_disable, ("mm", "disable"))
UFFD_REGISTER = Point(userfaultfd.userfaultfd_register, ("mm", "start", "length"))
UFFD_PROTECT = Point(userfaultfd.mwriteprotect_range, ("mm", "start", "length", "protect"))
FOLIO_ALLOC = Point(page_alloc.__folio_alloc, ("kernel", "order"))
RMAPPABLE = Point(page_alloc.page_rmappable_folio)
FREE_PAGES = Point(page_alloc.__free_pages, ("order",))
DEPOSIT = Point(pmd.pgtable_trans_huge_deposit)
WITHDRAW = Point(pmd.pgtable_trans_huge_withdraw)
SPLIT_PMD = Point(pmd.__split_huge_pmd, ("vma", "address"))
SET_PMD = Point(pgtable.set_pmd_at, ("table", "pmd"))
COUNT = Point(vmstat.count_vm_event, ("kernel", "name", "delta"))
DOWN_READ = Point(lock.down_read, ("lock",))
DOWN_WRITE = Point(lock.down_write, ("lock",))
UP_READ = Point(lock.up_read, ("lock",))
UP_WRITE = Point(lock.up_write, ("lock",))
DOWN_READ_TRYLOCK = Point(lock.down_read_trylock, ("lock",))

#: How a function can be asked for: readers in a notebook type its name.
Named = Point | Function | str

ALL = tuple(each for each in dict(globals()).values() if isinstance(each, Point))
#: By the id of the code, which the points keep alive: hashing a code object takes long.
_OF_CODE = {id(each.code): each for each in ALL}
_OF_NAME = {each.name: each for each in ALL}


def point_of(code: CodeType) -> Point | None:
    """The point whose function runs this code, if there is one."""
    return _OF_CODE.get(id(code))


def name_of(function: Named) -> str:
    """The name under which a recording, which may come from a file, knows a function."""
    if isinstance(function, Point):
        return function.name
    return function if isinstance(function, str) else function.__name__


def check_labels() -> None:
    """Raise ValueError if a kernel profile labels a function or a variable that the model does not have."""
    for profile in PROFILES.values():
        for key, chain in profile.frames_of.items():
            for name in key.split(">"):
                if name not in _OF_NAME:
                    raise ValueError(
                        f"profile {profile.name} labels {name!r}, of which thplab/points.py has no point"
                    )
            code = _OF_NAME[name].code
            params = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            unknown = {ours for label in chain for ours in label.args.values()}.difference(params)
            if unknown:
                raise ValueError(
                    f"profile {profile.name}: {name} has no argument {', '.join(sorted(unknown))}"
                )


check_labels()
