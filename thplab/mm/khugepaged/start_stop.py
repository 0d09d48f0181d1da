"""khugepaged starts and stops with ``enabled`` and its like (mm/khugepaged.c, 6.18)."""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import MIGRATE_PCPTYPES
from thplab.mm.khugepaged.enter import hugepage_pmd_enabled
from thplab.mm.khugepaged.scan import khugepaged
from thplab.mm.kthread import kthread_run, kthread_stop
from thplab.mm.page_alloc.watermark import init_per_zone_wmark_min, setup_per_zone_wmarks


def start_stop_khugepaged(kernel: Kernel) -> None:
    """After a write to ``enabled``: create or end the thread. Locks expected: none (C: khugepaged_mutex)."""
    scan = kernel.khugepaged
    if hugepage_pmd_enabled(kernel):
        if scan.thread is None:
            scan.thread = kthread_run(kernel, "khugepaged", khugepaged(kernel))
        if scan.mm_head:
            scan.wakeups += 1
    elif scan.thread is not None:
        kthread_stop(kernel, scan.thread)
        scan.thread = None
    set_recommended_min_free_kbytes(kernel, enabled=hugepage_pmd_enabled(kernel))


def wake_khugepaged(kernel: Kernel) -> None:
    """After a write to a sleep knob: end the present sleep (khugepaged_sleep_expire = 0)."""
    kernel.khugepaged.sleep_expire = 0
    kernel.khugepaged.wakeups += 1


def set_recommended_min_free_kbytes(kernel: Kernel, *, enabled: bool) -> None:
    """With THP on: enough for each migrate type to have pageblocks of its own, but not above 5 %.

    mm/khugepaged.c. Raises vm.min_free_kbytes, never lowers it; with THP off (``enabled`` false) the
    ordinary value comes back.
    Locks expected: khugepaged_mutex in the kernel.
    """
    if not kernel.memory.watermarks:
        return
    if not enabled:
        init_per_zone_wmark_min(kernel)
        return
    zones = [zone for zone in kernel.node.zones if zone.managed_pages]
    # Two pageblocks, and three for each of the three types: with so many free a request rarely has to take
    # from another type.
    per_zone = kernel.geometry.HPAGE_PMD_NR * (2 + MIGRATE_PCPTYPES * MIGRATE_PCPTYPES)
    five_percent = sum(zone.managed_pages for zone in zones) // 20
    kbytes = min(per_zone * len(zones), five_percent) * 4
    # Never lowered: a larger value may be the administrator's.
    if kbytes > kernel.sysctl.min_free_kbytes:
        kernel.sysctl.min_free_kbytes = kbytes
        setup_per_zone_wmarks(kernel)
