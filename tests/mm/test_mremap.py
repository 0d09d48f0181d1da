"""mremap: what was mapped answers at the new address, and the old one is free."""

from __future__ import annotations

import pytest

from tests.invariants import check
from thplab.machine import Machine, Process
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_LOCKED

HUGE = 512 * 4096
OLD, NEW = 8 * HUGE, 64 * HUGE


def machine() -> Machine:
    return Machine(memory_pages=6144, swap_pages=2048)


def mapped(kernel: Machine, pages: int = 1024, *, advised: bool = False) -> Process:
    app = kernel.process("app")
    app.mmap(OLD, 1024 * 4096)
    if advised:
        app.madvise(OLD, 1024 * 4096, "hugepage")
    for page in range(pages):
        app.write(OLD + page * 4096, 100 + page)
    return app


def reads(app: Process, start: int, pages: int) -> list[int]:
    return [app.read(start + page * 4096) for page in range(pages)]


@pytest.mark.parametrize("advised", [False, True])
@pytest.mark.parametrize("shift", [0, 4096])
def test_contents_move_and_nothing_stays(advised: bool, shift: int) -> None:
    kernel = machine()
    app = mapped(kernel, advised=advised)
    rss = app.mm.rss
    app.mremap(OLD, 1024 * 4096, 1024 * 4096, NEW + shift)
    check(kernel)
    assert reads(app, NEW + shift, 1024) == [100 + page for page in range(1024)]
    assert app.mm.rss == rss
    with pytest.raises(KernelError, match="EFAULT"):
        app.read(OLD)


def test_whole_windows_stay_huge_and_cut_ones_do_not() -> None:
    for shift, huge in ((0, 2), (4096, 0)):
        kernel = machine()
        app = mapped(kernel, advised=True)
        app.mremap(OLD, 1024 * 4096, 1024 * 4096, NEW + shift)
        assert kernel.vmstat("thp_split_pmd") == 2 - huge
        assert [line.split()[1] for line in app.smaps().splitlines() if "AnonHuge" in line] == [
            str(huge * 2048)
        ]


def test_a_shorter_range_loses_its_end_and_a_longer_one_begins_empty() -> None:
    kernel = machine()
    app = mapped(kernel, 64)
    app.mremap(OLD, 64 * 4096, 16 * 4096, NEW)
    assert app.mm.rss == 16
    app.mremap(NEW, 16 * 4096, 48 * 4096, OLD)
    check(kernel)
    assert reads(app, OLD, 48) == [100 + page for page in range(16)] + [0] * 32


def test_what_was_at_the_new_place_goes() -> None:
    kernel = machine()
    app = mapped(kernel, 8)
    app.mmap(NEW, 8 * 4096)
    app.write(NEW, 5)
    app.mremap(OLD, 4 * 4096, 4 * 4096, NEW)
    check(kernel)
    assert app.read(NEW) == 100
    assert app.mm.rss == 8


def test_swapped_pages_move_too_and_moved_pages_can_be_swapped() -> None:
    kernel = machine()
    app = mapped(kernel, 8)
    app.madvise(OLD, 4 * 4096, "pageout")
    app.mremap(OLD, 8 * 4096, 8 * 4096, NEW)
    app.madvise(NEW + 4 * 4096, 4 * 4096, "pageout")
    assert app.mm.rss == 0
    check(kernel)
    assert reads(app, NEW, 8) == [100 + page for page in range(8)]


def test_a_child_keeps_what_its_parent_moves() -> None:
    kernel = machine()
    app = mapped(kernel, 8)
    child = app.fork("child")
    app.mremap(OLD, 8 * 4096, 8 * 4096, NEW)
    app.write(NEW, 7)
    check(kernel)
    assert child.read(OLD) == 100


@pytest.mark.parametrize(
    ("old", "length", "new", "word"),
    [
        (OLD + 1, 4096, NEW, "EINVAL"),
        (OLD, 0, NEW, "EINVAL"),
        (OLD, 4096, NEW + 1, "EINVAL"),
        (OLD, 8192, OLD + 4096, "EINVAL"),
        (NEW, 4096, OLD, "EFAULT"),
        (OLD, 1025 * 4096, NEW, "EFAULT"),
    ],
)
def test_refusals_change_nothing(old: int, length: int, new: int, word: str) -> None:
    kernel = machine()
    app = mapped(kernel, 8)
    with pytest.raises(KernelError, match=word):
        app.mremap(old, length, length, new)
    check(kernel)
    assert reads(app, OLD, 8) == [100 + page for page in range(8)]


@pytest.mark.parametrize("advised", [False, True])
def test_dontunmap_leaves_the_old_range_mapped_and_empty(advised: bool) -> None:
    kernel = machine()
    app = mapped(kernel, advised=advised)
    rss = app.mm.rss
    app.mremap(OLD, 1024 * 4096, 1024 * 4096, NEW, dontunmap=True)
    check(kernel)
    assert app.mm.rss == rss
    assert reads(app, OLD, 4) == [0] * 4
    app.write(OLD, 9)
    assert reads(app, NEW, 1024) == [100 + page for page in range(1024)]
    check(kernel)


def test_dontunmap_unlocks_all_of_the_old_mapping_and_the_new_one_is_locked() -> None:
    app = machine().process("app")
    app.mmap(OLD, 16 * 4096, locked=True)
    app.mremap(OLD, 8 * 4096, 8 * 4096, NEW, dontunmap=True)
    locked = [(vma.vm_start, bool(vma.vm_flags & VM_LOCKED)) for vma in app.mm.vmas]
    assert locked == [(OLD, False), (NEW, True)]


def test_dontunmap_and_the_anon_vma() -> None:
    """A VMA that was moved whole begins anew; one that was moved in part keeps its anon_vma."""
    for pages, kept in ((1024, False), (1023, True)):
        app = mapped(machine(), 1024)
        app.mremap(OLD, pages * 4096, pages * 4096, NEW, dontunmap=True)
        assert (app.mm.vmas[0].anon_vma is not None) is kept


def test_dontunmap_with_another_length_is_refused() -> None:
    app = mapped(machine(), 8)
    with pytest.raises(KernelError, match="EINVAL"):
        app.mremap(OLD, 4096, 8192, NEW, dontunmap=True)
    assert reads(app, OLD, 8) == [100 + page for page in range(8)]
