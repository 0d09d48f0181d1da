"""MADV_COLLAPSE: collapse now, in the caller's own time (mm/khugepaged.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.kernels import ScanResult
from thplab.mm.huge_memory.policy import thp_vma_allowable_order
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.lock import down_read, up_read
from thplab.mm.include.mm_types import Vma, vma_is_anonymous
from thplab.mm.khugepaged.collapse import hugepage_vma_revalidate
from thplab.mm.khugepaged.scan import scan_pmd
from thplab.mm.khugepaged.scan_file import madvise_collapse_file


def madvise_collapse(vma: Vma, start: int, end: int) -> int:
    """Collapse every whole window of ``start..end`` (unsigned long, inside the VMA); 0 or an errno.

    ``enabled``, the max_ptes_* limits and the accessed marks do not bind it. 0 means that every
    window is huge now, be it by this call or before; else the errno of the last failure. Windows
    that were collapsed stay so.
    Locks expected: none. Takes mmap_lock for reading, and for writing in a collapse. (The kernel's is
    called, and returns, with mmap_lock held for reading.)
    """
    mm = vma.mm
    kernel = mm.kernel
    if not thp_vma_allowable_order(vma, vma.vm_flags, TvaType.FORCED_COLLAPSE):
        return errno.EINVAL
    # Its own, not khugepaged's: any number of processes may collapse at the same time.
    cc = CollapseControl("collapse_control", is_khugepaged=False)
    size = kernel.geometry.HPAGE_PMD_SIZE
    # Inwards: the parts of windows at both ends are ignored without an error.
    hstart, hend = -(-start // size) * size, end // size * size
    done = 0
    last_fail = ScanResult.FAIL
    down_read(mm.mmap_lock)
    mmap_locked = True
    address = hstart
    while address < hend:
        if not mmap_locked:
            down_read(mm.mmap_lock)
            mmap_locked = True
            # The last collapse dropped the lock: another mapping may be here by now.
            result, found = hugepage_vma_revalidate(mm, address, expect_anon=False, cc=cc)
            if found is None:
                last_fail = result
                break
            vma = found
            # The VMA may have shrunk meanwhile: only what it still covers is asked for.
            hend = min(hend, vma.vm_end // size * size)
        scan_window = scan_pmd if vma_is_anonymous(vma) else madvise_collapse_file
        result, mmap_locked = scan_window(mm, vma, address, cc)
        # What counts is that the window is huge, not who made it so.
        if result in (ScanResult.SUCCEED, ScanResult.PMD_MAPPED):
            done += 1
        else:
            last_fail = result
            # Some refusals concern this window only; after any other the kernel does not try the next.
            if result not in kernel.profile.goes_on:
                break
        address += size
    if mmap_locked:
        up_read(mm.mmap_lock)
    wanted = (hend - hstart) // size
    # Without a whole window hend may lie below hstart: no error in 7.3, EINVAL before.
    if not kernel.profile.no_whole_window_is_an_error:
        wanted = max(wanted, 0)
    return 0 if done == wanted else kernel.profile.errno(last_fail)
