"""A machine: memory, a clock, kernel threads, and processes that make system calls.

machine = Machine(memory_pages=4096)
app = machine.process("app")
app.mmap(0x7fda81800000, 2 << 20)
app.write(0x7fda81800000, token=1)
app.madvise(0x7fda81800000, 2 << 20, "hugepage")
machine.wake_khugepaged()
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from thplab.door import checked
from thplab.kernels import profile, with_facts
from thplab.mm.boot import boot
from thplab.mm.compaction.kcompactd import kcompactd_run
from thplab.mm.exit import exit_mm
from thplab.mm.fork import dup_mm, mm_alloc
from thplab.mm.gup import get_user_page, put_page
from thplab.mm.include.errors import KernelBug, KernelError
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.geometry import X86_64, Geometry
from thplab.mm.include.memcontrol import MemCgroup
from thplab.mm.include.mm_types import VM_LOCKED, VM_SHARED, Mm
from thplab.mm.include.mmzone import SLICE, Memory
from thplab.mm.include.sched import Kthread
from thplab.mm.include.trace_events import TraceEvent
from thplab.mm.include.vm_event_item import EVENTS
from thplab.mm.khugepaged.scan import khugepaged_alloc_sleep
from thplab.mm.khugepaged.start_stop import start_stop_khugepaged, wake_khugepaged
from thplab.mm.ksm import ksm_scan
from thplab.mm.kthread import kthread_resume
from thplab.mm.madvise.syscall import do_madvise
from thplab.mm.memcontrol import mem_cgroup_create
from thplab.mm.mlock import do_mlock, do_munlock
from thplab.mm.mmap import do_mmap, do_munmap
from thplab.mm.mmu import access
from thplab.mm.mprotect import do_mprotect
from thplab.mm.mremap import do_mremap
from thplab.mm.prctl import prctl_set_thp_disable
from thplab.mm.proc.sysctl import ROOT as SYSCTL_ROOT
from thplab.mm.proc.sysctl import sysctl_read, sysctl_write
from thplab.mm.proc.task_mmu import clear_refs, smaps
from thplab.mm.proc.vm import FACES, read_face
from thplab.mm.shmem.file import fput, get_file, shmem_file_setup
from thplab.mm.sysfs import sysfs_read, sysfs_write
from thplab.mm.userfaultfd import mwriteprotect_range, userfaultfd_register, userfaultfd_unregister
from thplab.mm.vmscan.kswapd import kswapd_run
from thplab.mm.vmstat import vm_event
from thplab.words import did_you_mean

#: The least a machine needs: a few tables and one huge page.
MIN_HUGE_PAGES = 2
#: The most that the model has room for: 256 GiB, and as much swap.
MAX_PAGES = 1 << 26
#: How often kernel threads may go on while no time passes.
_MOST_RESUMED = 1_000_000
#: How often kernel threads may wake up in one call that lets time pass: about half a day of kcompactd.
_MOST_WOKEN = 100_000
#: The longest time that passes in one go, 35 years.
MAX_MILLISECONDS = 1 << 40


class Machine:
    """A kernel of version ``kernel`` on ``memory_pages`` base pages from ``start_pfn`` on.

    ``entries``: how many entries a page table has (512 is the truth); ``swap_pages``: slots of the
    swap device (none: nothing can be paged out); ``lru_gen``: is the multi-generational LRU on (None:
    as the kernel's distribution has it)? ``memory``: zones, reserves, daemons; without it the pages are
    a piece of a larger machine that has none of these. ``what_if``: named facts of the kernel's profile
    that are to be otherwise. Raises ValueError for an unknown kernel or fact, a table size that does
    not exist, or memory too small for one huge page.
    """

    @checked
    def __init__(
        self,
        kernel: str = "6.18",
        *,
        memory_pages: int = 16384,
        start_pfn: int = 0x1000,
        entries: int = 512,
        swap_pages: int = 0,
        lru_gen: bool | None = None,
        memory: Memory | None = None,
        what_if: Mapping[str, object] | None = None,
    ) -> None:
        """Boot: all memory free, ``enabled`` is madvise, khugepaged runs and has nothing to do."""
        geometry = X86_64 if entries == 512 else Geometry(entries)
        least = MIN_HUGE_PAGES * geometry.HPAGE_PMD_NR
        if memory_pages < least:
            raise ValueError(f"memory_pages={memory_pages}: a machine needs at least {least} pages")
        for name, pages in (("memory_pages", memory_pages), ("swap_pages", swap_pages)):
            if not 0 <= pages <= MAX_PAGES:
                raise ValueError(f"{name}={pages}: the model has room for 0 to {MAX_PAGES} pages")
        if start_pfn < 0 or start_pfn + memory_pages >= 1 << 40:
            raise ValueError(f"start_pfn={start_pfn}: physical memory has pfns 0 to 2**40")
        facts = with_facts(profile(kernel), what_if or {})
        self.kernel = boot(facts, geometry, start_pfn, memory_pages, swap_pages, memory or SLICE)
        if lru_gen is not None:
            self.kernel.lru_gen_enabled = lru_gen
        self._held_back = 0
        self._pins = Counter[int]()
        if self.kernel.memory.daemons:
            kswapd_run(self.kernel)
            kcompactd_run(self.kernel)
        start_stop_khugepaged(self.kernel)
        self.run_ready()

    @checked
    def process(self, name: str) -> Process:
        """Start a process with an empty address space. Raises ValueError if the name is taken."""
        self.check_name(name)
        return Process(self, mm_alloc(self.kernel, name))

    @checked
    def cgroup(self, name: str) -> MemCgroup:
        """A new memory cgroup; set its ``max`` (pages) to limit it."""
        return mem_cgroup_create(self.kernel, name)

    def run_ksmd(self) -> int:
        """Let ksmd merge all equal pages of mergeable memory; how many entries it changed."""
        return ksm_scan(self.kernel)

    @checked
    def check_name(self, name: str) -> None:
        """Raise ValueError if a living process is called ``name``."""
        if any(mm.name == name for mm in self.kernel.mms):
            raise ValueError(f"there is a process {name!r} already")

    @checked
    def read_sysfs(self, path: str) -> str:
        """The text of a knob below /sys/kernel/mm/transparent_hugepage/."""
        return sysfs_read(self.kernel, path)

    @checked
    def write_sysfs(self, path: str, value: object) -> None:
        """Write a knob, as ``echo value > path`` would; what it wakes runs. KernelError if refused."""
        sysfs_write(self.kernel, path, str(value))
        self.run_ready()

    @checked
    def set_knobs(self, knobs: Iterable[tuple[str, object]]) -> None:
        """Write several knobs without letting anything that they wake run in between."""
        for path, value in knobs:
            sysfs_write(self.kernel, path, str(value))

    @checked
    def read(self, path: str) -> str:
        """The text of a file by its full path: a face of memory (/proc/buddyinfo, ...) or a knob."""
        if path.startswith(SYSCTL_ROOT):
            return self.read_sysctl(path)
        return read_face(self.kernel, path) if path in FACES else self.read_sysfs(path)

    @checked
    def write(self, path: str, value: object) -> None:
        """Write a knob by its full path, as ``echo value > path`` would. Raises KernelError."""
        (self.write_sysctl if path.startswith(SYSCTL_ROOT) else self.write_sysfs)(path, value)

    @checked
    def read_sysctl(self, path: str) -> str:
        """The text of a knob below /proc/sys/vm/."""
        return sysctl_read(self.kernel, path)

    @checked
    def write_sysctl(self, path: str, value: object) -> None:
        """Write a knob below /proc/sys/vm/; what is woken by it runs. Raises KernelError."""
        sysctl_write(self.kernel, path, str(value))
        self.run_ready()

    def run_ready(self) -> None:
        """Let the kernel threads run for as long as what they wait for has come; not within another run."""
        resumed = 0
        while not self._held_back and (thread := self._ready()) is not None:
            if resumed == _MOST_RESUMED:
                raise KernelBug(f"{thread.task.comm} and its like go on without sleeping")
            self._resume(thread)
            resumed += 1

    def wake_khugepaged(self) -> None:
        """Let khugepaged make one pass, as a write to scan_sleep_millisecs does; without work none.

        A pass that sleeps for want of memory goes on when that sleep is over. Raises TimeoutError if kernel
        threads wake up very often until then; the time up to then has passed.
        """
        scan = self.kernel.khugepaged
        if scan.thread is None:
            return
        wake_khugepaged(self.kernel)
        before = scan.passes
        for _ in range(_MOST_WOKEN):
            if scan.thread is None or (scan.passes != before and not self._inside_a_pass()):
                return
            thread = self._ready()
            if thread is not None:
                self._resume(thread)
            elif scan.thread.wait is not None and scan.thread.wait.deadline is None:
                return  # it waits for work: no time that passes makes it go on
            else:
                self._sleep_until(self._deadline())
        raise TimeoutError(_woken_too_often("khugepaged's pass ended", "lower alloc_sleep_millisecs"))

    @checked
    def run_for(self, milliseconds: float) -> None:
        """Let virtual time pass; each kernel thread wakes up when its sleep is over.

        Raises ValueError, and TimeoutError as :meth:`wake_khugepaged` does.
        """
        if not 0 <= milliseconds <= MAX_MILLISECONDS:
            raise ValueError(f"milliseconds={milliseconds}: allowed are 0 to {MAX_MILLISECONDS}")
        end = self.kernel.clock.now + round(milliseconds * 1_000_000)
        self.run_ready()
        for _ in range(_MOST_WOKEN):
            deadline = self._deadline()
            if deadline is None or deadline > end:
                self._sleep_until(end)
                return
            self._sleep_until(deadline)
            self.run_ready()
        raise TimeoutError(_woken_too_often(f"{milliseconds} ms were over", "run for a shorter time"))

    def _inside_a_pass(self) -> bool:
        """True while the present pass sleeps after a failed allocation."""
        thread = self.kernel.khugepaged.thread
        return (
            thread is not None
            and thread.wait is not None
            and thread.wait.queue == khugepaged_alloc_sleep.__name__
        )

    def _threads(self) -> list[Kthread]:
        """The kernel threads that exist, those first that make memory for the others."""
        node = self.kernel.node
        threads = (node.kswapd, node.kcompactd, self.kernel.khugepaged.thread)
        return [thread for thread in threads if thread is not None]

    def _ready(self) -> Kthread | None:
        """A thread that sleeps no longer."""
        for thread in self._threads():
            if thread.wait is None or thread.wait.condition():
                return thread
        return None

    def _deadline(self) -> int | None:
        """When the first sleep is over."""
        waits = (thread.wait for thread in self._threads())
        return min((w.deadline for w in waits if w is not None and w.deadline is not None), default=None)

    def _sleep_until(self, deadline: int | None) -> bool:
        if deadline is not None:
            self.kernel.clock.now = max(deadline, self.kernel.clock.now)
        return deadline is not None

    def _resume(self, thread: Kthread) -> None:
        with self.daemons_held_back():
            kthread_resume(self.kernel, thread)

    @contextmanager
    def daemons_held_back(self) -> Iterator[None]:
        """What a system call wakes does not run at its end, but after the block: something is under way."""
        self._held_back += 1
        try:
            yield
        finally:
            self._held_back -= 1

    def hold_daemons_back(self) -> None:
        """What is woken from now on runs at the :meth:`let_daemons_run` that belongs to this."""
        self._held_back += 1

    def let_daemons_run(self) -> None:
        """End the last :meth:`hold_daemons_back`; what was woken runs, unless it is held back still."""
        self._held_back -= 1
        self.run_ready()

    @property
    def trace(self) -> Sequence[TraceEvent]:
        """The trace events so far, the oldest of very many excepted; their numbers stay the same."""
        return self.kernel.tracing.events

    @checked
    def vmstat(self, name: str) -> int:
        """A counter of /proc/vmstat. Raises ValueError if there is none of that name."""
        if name not in EVENTS:
            raise ValueError(f"no counter {name!r} in /proc/vmstat{did_you_mean(name, EVENTS)}")
        return vm_event(self.kernel, name)


def _woken_too_often(until: str, advice: str) -> str:
    return f"kernel threads went on {_MOST_WOKEN} times, the most in one call, before {until}: {advice}"


class _SystemCall:
    """A system call or a memory access: the process must live; afterwards what it woke runs.

    A class, not a generator: it is entered for each page that is touched.
    """

    __slots__ = ("before", "process")

    def __init__(self, process: Process) -> None:
        self.process = process

    def __enter__(self) -> Mm:
        mm = self.process.mm
        if not mm.mm_users:
            raise KernelError(errno.ESRCH, f"process {mm.name!r} has ended")
        self.before = mm.kernel.current
        mm.kernel.current = mm.task
        return mm

    def __exit__(self, *_: object) -> None:
        self.process.mm.kernel.current = self.before
        self.process.machine.run_ready()


class Process:
    """A process: its system calls, and touching its memory. Errors are KernelError."""

    def __init__(self, machine: Machine, mm: Mm) -> None:
        """Made by :meth:`Machine.process`."""
        self.machine = machine
        self.mm = mm

    def _call(self) -> _SystemCall:
        return _SystemCall(self)

    def _is_known(self, file: AddressSpace) -> bool:
        return any(file is each for each in self.machine.kernel.mappings)

    @checked
    def mmap(
        self,
        start: int,
        length: int,
        prot: str = "rw",
        *,
        shared: bool = False,
        locked: bool = False,
        file: AddressSpace | None = None,
        pgoff: int = 0,
    ) -> None:
        """Map memory at a fixed place: private anonymous, ``shared``, or a ``file`` from page ``pgoff`` on.

        ``locked``: with MAP_LOCKED.
        """
        flags = (VM_SHARED if shared else 0) | (VM_LOCKED if locked else 0)
        if file is not None and not self._is_known(file):
            raise ValueError(f"mmap: {file.name} is no file of this machine")
        with self._call() as mm:
            do_mmap(mm, start, length, prot, flags=flags, file=file, pgoff=pgoff)

    @checked
    def memfd_create(self, name: str, length: int) -> AddressSpace:
        """A file of ``length`` bytes in memory, to be mapped; :meth:`close` gives the handle back."""
        with self._call() as mm:
            pages = -(-length // mm.kernel.geometry.PAGE_SIZE)
            return get_file(shmem_file_setup(mm.kernel, f"memfd:{name}", pages))

    @checked
    def close(self, file: AddressSpace) -> None:
        """Close the handle; the file lives on while a task maps it. Raises ValueError if it is closed."""
        if not self._is_known(file) or file.f_count <= len(file.i_mmap):
            raise ValueError(f"close: {file.name} is no open file of this machine")
        with self._call() as mm:
            fput(mm.kernel, file)

    @checked
    def munmap(self, start: int, length: int) -> None:
        """Unmap."""
        with self._call() as mm:
            do_munmap(mm, start, length)

    @checked
    def mremap(self, old: int, old_length: int, new_length: int, new: int, dontunmap: bool = False) -> None:
        """Move mapped memory to ``new``, with MREMAP_FIXED, and perhaps MREMAP_DONTUNMAP."""
        with self._call() as mm:
            do_mremap(mm, old, old_length, new_length, new, dontunmap=dontunmap)

    @checked
    def mprotect(self, start: int, length: int, prot: str) -> None:
        """Change the protection to ``none``, ``r`` or ``rw``."""
        with self._call() as mm:
            do_mprotect(mm, start, length, prot)

    @checked
    def mlock(self, start: int, length: int) -> None:
        """Fault memory in and keep it."""
        with self._call() as mm:
            do_mlock(mm, start, length)

    @checked
    def munlock(self, start: int, length: int) -> None:
        """Let memory be reclaimed again."""
        with self._call() as mm:
            do_munlock(mm, start, length)

    @checked
    def uffd_register(self, start: int, length: int, mode: str = "wp") -> None:
        """Register memory with a userfaultfd: ``wp``, ``missing`` or ``missing|wp``."""
        with self._call() as mm:
            userfaultfd_register(mm, start, length, mode)

    @checked
    def uffd_unregister(self, start: int, length: int) -> None:
        """End the registration; what was write-protected may be written again."""
        with self._call() as mm:
            userfaultfd_unregister(mm, start, length)

    @checked
    def uffd_writeprotect(self, start: int, length: int, *, protect: bool = True) -> None:
        """Write-protect the pages of registered memory, or lift that."""
        with self._call() as mm:
            mwriteprotect_range(mm, start, length, protect=protect)

    @checked
    def enter_cgroup(self, memcg: MemCgroup) -> None:
        """Be charged to a memory cgroup from now on (:meth:`Machine.cgroup`)."""
        if not any(memcg is each for each in self.machine.kernel.memcgs):
            raise ValueError(f"enter_cgroup: {memcg.name} is no cgroup of this machine")
        with self._call() as mm:
            mm.memcg = memcg

    @checked
    def prctl_thp_disable(self, flags: int = 0, *, disable: bool = True) -> None:
        """prctl(PR_SET_THP_DISABLE, disable, flags)."""
        with self._call() as mm:
            prctl_set_thp_disable(mm, disable=disable, flags=flags)

    @checked
    def madvise(self, start: int, length: int, advice: str) -> None:
        """madvise; ``advice`` in lower case without MADV_."""
        with self._call() as mm:
            do_madvise(mm, start, length, advice)

    @checked
    def write(self, address: int, token: int) -> None:
        """Write: ``token`` (u32) stands for what the 4 KiB at ``address`` contain from now on.

        Raises ValueError for a token that is no u32.
        """
        if not 0 <= token < 1 << 32:
            raise ValueError(f"token={token}: contents are an integer from 0 to 2**32 - 1")
        with self._call() as mm:
            page = access(mm, address, write=True)
            mm.kernel.mem_map.contents[page] = token

    @checked
    def read(self, address: int) -> int:
        """Read: the token of the 4 KiB at ``address``; untouched memory reads 0."""
        with self._call() as mm:
            token: int = mm.kernel.mem_map.contents[access(mm, address, write=False)]
        return token

    @checked
    def pin(self, address: int) -> int:
        """Take an extra reference on the page at ``address``; give it back with :meth:`unpin`."""
        with self._call() as mm:
            page = get_user_page(mm, address)
            self.machine._pins[page] += 1
        return page

    @checked
    def unpin(self, page: int) -> None:
        """Drop the reference that :meth:`pin` took; it outlives the process. ValueError if there is none."""
        pins = self.machine._pins
        if page not in pins:
            raise ValueError(f"page {page} is not pinned; allowed: what pin() returned, once")
        pins.subtract([page])
        if not pins[page]:
            del pins[page]
        put_page(self.mm, page)

    @checked
    def fork(self, name: str) -> Process:
        """A child process called ``name``. Raises ValueError if the name is taken, MemoryError."""
        self.machine.check_name(name)
        with self._call() as mm:
            return Process(self.machine, dup_mm(mm, name))

    @checked
    def clear_refs(self, text: str = "1") -> None:
        """Write to /proc/PID/clear_refs."""
        with self._call() as mm:
            clear_refs(mm, text)

    def smaps(self) -> str:
        """/proc/PID/smaps."""
        return smaps(self.mm)

    def exit(self) -> None:
        """End the process."""
        with self._call() as mm:
            exit_mm(mm)
