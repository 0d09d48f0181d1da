"""Why khugepaged exists: nine ways in which a fault gets no huge page, and what the daemon makes of it later.

A fault builds a huge page only if the PMD is empty, the VMA covers the aligned 2 MiB, the policy allows it,
a free block is to be had under the fault's mask, and the charge fits. Everything else is khugepaged's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thplab.experiments.comb import comb34
from thplab.machine import Machine, Process
from thplab.mm.proc.task_mmu import huge_pages

WINDOW, SIZE, _PAGE = 0x7F0000000000, 2 << 20, 4096


@dataclass(frozen=True, slots=True)
class CaseResult:
    """``at_fault`` and ``later`` (after one pass of khugepaged): is the window huge? None: not modelled."""

    at_fault: bool | None
    later: bool | None


@dataclass(frozen=True, slots=True)
class Case:
    """One reason; ``run`` sets it up and says what the fault got, and what khugepaged made of it."""

    number: int
    reason: str
    run: Callable[[str], CaseResult]


def _is_huge(process: Process) -> bool:
    return any(sum(huge_pages(vma)) for vma in process.mm.vmas)


def _app(kernel: str, *, advised: bool = True, **how: int) -> tuple[Machine, Process]:
    """A machine with room for eight huge pages, and a process with one window."""
    machine = Machine(kernel, memory_pages=8 * 512, **how)  # type: ignore[arg-type]
    process = machine.process("app")
    process.mmap(WINDOW, SIZE)
    if advised:
        process.madvise(WINDOW, SIZE, "hugepage")
    return machine, process


def _fill(process: Process, pages: int = 512) -> None:
    for page in range(pages):
        process.write(WINDOW + page * _PAGE, page + 1)


def _then_khugepaged(machine: Machine, process: Process, between: Callable[[], object]) -> CaseResult:
    """What the window is now, and after ``between`` and one pass."""
    at_fault = _is_huge(process)
    between()
    machine.wake_khugepaged()
    return CaseResult(at_fault, _is_huge(process))


def _no_block(kernel: str) -> CaseResult:
    """No block is free, and the fault must not compact (defrag=never); khugepaged may."""
    machine, _ = comb34(kernel)
    machine.set_knobs([("enabled", "madvise"), ("defrag", "never")])
    process = machine.process("app")
    process.mmap(WINDOW, SIZE)
    process.madvise(WINDOW, SIZE, "hugepage")
    with machine.daemons_held_back():
        _fill(process)
        return _then_khugepaged(machine, process, lambda: None)


def _pte_present(kernel: str) -> CaseResult:
    """The advice comes after the first touch: the PMD is not empty any more."""
    machine, process = _app(kernel, advised=False)
    process.write(WINDOW, 1)
    with machine.daemons_held_back():
        process.madvise(WINDOW, SIZE, "hugepage")
        process.write(WINDOW + _PAGE, 2)
        return _then_khugepaged(machine, process, lambda: None)


def _small_vma(kernel: str) -> CaseResult:
    """The VMA covers half a window when it is touched, and grows later."""
    machine = Machine(kernel, memory_pages=8 * 512)
    machine.set_knobs([("enabled", "always")])
    process = machine.process("app")
    with machine.daemons_held_back():
        process.mmap(WINDOW, SIZE // 2)
        _fill(process, 256)
        return _then_khugepaged(machine, process, lambda: _grow(process))


def _grow(process: Process) -> None:
    process.mmap(WINDOW + SIZE // 2, SIZE // 2)
    process.madvise(WINDOW, SIZE, "hugepage")


def _was_split(kernel: str) -> CaseResult:
    """A part was given back: the leaf was split, and what is touched there is small."""
    machine, process = _app(kernel)
    with machine.daemons_held_back():
        process.write(WINDOW, 1)
        process.madvise(WINDOW + _PAGE, _PAGE, "dontneed")
        process.write(WINDOW + _PAGE, 2)
        return _then_khugepaged(machine, process, lambda: None)


def _swapped(kernel: str) -> CaseResult:
    """Swapped out, and back in page by page."""
    machine, process = _app(kernel, swap_pages=1024)
    with machine.daemons_held_back():
        _fill(process)
        process.madvise(WINDOW, SIZE, "pageout")
        for page in range(512):
            process.read(WINDOW + page * _PAGE)
        return _then_khugepaged(machine, process, lambda: None)


def _memcg_full(kernel: str) -> CaseResult:
    """The memory cgroup had no room for 512 pages at once; its limit was raised later."""
    machine, process = _app(kernel)
    memcg = machine.cgroup("group")
    process.enter_cgroup(memcg)
    memcg.max = 300
    with machine.daemons_held_back():
        process.write(WINDOW, 1)

        def raise_limit() -> None:
            memcg.max = None

        return _then_khugepaged(machine, process, raise_limit)


def _shmem(kernel: str) -> CaseResult:
    """Shared memory was filled while shmem_enabled did not allow huge pages."""
    machine = Machine(kernel, memory_pages=8 * 512)
    process = machine.process("app")
    process.mmap(WINDOW, SIZE, shared=True)
    with machine.daemons_held_back():
        _fill(process)

        def allow() -> None:
            machine.set_knobs([("shmem_enabled", "always")])
            process.mmap(WINDOW + SIZE, SIZE, shared=True)  # registers the process with khugepaged

        result = _then_khugepaged(machine, process, allow)
        process.read(WINDOW)  # the collapse unmapped the file's pages; a touch maps the huge one
        return CaseResult(result.at_fault, _is_huge(process))


def _others_exit(kernel: str) -> CaseResult:
    """Another process had all the blocks; it exits and gives them back."""
    machine = Machine(kernel, memory_pages=8 * 512)
    machine.set_knobs([("khugepaged/defrag", 0), ("defrag", "never")])
    holder, process = machine.process("holder"), machine.process("app")
    holder.mmap(WINDOW, 8 * SIZE)
    with machine.daemons_held_back():
        holder.madvise(WINDOW, 8 * SIZE, "hugepage")
        for number in range(7):
            holder.write(WINDOW + number * SIZE, 1)
        process.mmap(WINDOW, SIZE)
        process.madvise(WINDOW, SIZE, "hugepage")
        process.write(WINDOW, 1)
        return _then_khugepaged(machine, process, holder.exit)


CASES: tuple[Case, ...] = (
    Case(1, "no free block under the fault's mask", _no_block),
    Case(2, "a PTE was there already", _pte_present),
    Case(3, "the VMA was too small", _small_vma),
    Case(4, "the huge page was split", _was_split),
    Case(5, "swapped out, back as base pages", _swapped),
    Case(6, "the memory cgroup was full", _memcg_full),
    Case(7, "shared memory", _shmem),
    Case(8, "another process gives its blocks back", _others_exit),
    Case(9, "pages on the wrong node (the model has one node)", lambda kernel: CaseResult(None, None)),
)


def run_case(number: int, kernel: str = "6.18") -> CaseResult:
    """Run case ``number``. Raises ValueError if there is none."""
    for case in CASES:
        if case.number == number:
            return case.run(kernel)
    raise ValueError(f"no case {number}; there are 1 to {len(CASES)}")
