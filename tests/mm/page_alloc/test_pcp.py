"""Per-CPU lists: what buddyinfo does not show."""

from __future__ import annotations

from tests.experiments.test_lanes import recorded
from tests.invariants import check
from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE
from thplab.mm.include.mmzone import Memory
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.page_alloc.pcp import drain_all_pages


def machine(pcp: int | None) -> Machine:
    return Machine(memory_pages=1 << 15, start_pfn=0x100000, memory=Memory(pcp=pcp))


def blocks(ours: Machine) -> int:
    zone = ours.kernel.zone
    return zone.nr_free[9] + 2 * zone.nr_free[10]


def test_two_blocks_at_once():
    """The first huge allocation takes two blocks off buddyinfo, the second none (lane I: 203, 201, 201)."""
    ours = machine(4096)
    before = blocks(ours)
    first = alloc_pages(ours.kernel, GFP_TRANSHUGE, 9)
    assert first is not None
    assert blocks(ours) == before - 2
    assert alloc_pages(ours.kernel, GFP_TRANSHUGE, 9) is not None
    assert blocks(ours) == before - 2
    touches = [s["order9_blocks"] for s in recorded("I")["steps"] if s["step"][0] == "touch"]
    real = [(one, two) for one, two in touches]
    assert [one - two for one, two in real] == [2, 0]


def test_a_freed_huge_page_may_not_be_seen():
    """It goes to the per-CPU list; drained, it is a free block again."""
    ours = machine(4096)
    before = blocks(ours)
    folio = alloc_pages(ours.kernel, GFP_TRANSHUGE | 1 << 18, 9)
    folio_put(ours.kernel, folio)
    assert blocks(ours) == before - 2
    check(ours)
    drain_all_pages(ours.kernel)
    assert blocks(ours) == before
    check(ours)


def test_more_than_high_goes_back():
    """The lists hold no more than ``high`` pages."""
    ours = machine(256)
    kernel = ours.kernel
    pages = [alloc_pages(kernel, GFP_HIGHUSER_MOVABLE, 0) for _ in range(1000)]
    for page in pages:
        folio_put(kernel, page)
        assert kernel.zone.pcp.count <= 256
    check(ours)


def test_the_scenario_may_switch_them_off():
    ours = machine(0)
    page = alloc_pages(ours.kernel, GFP_HIGHUSER_MOVABLE, 0)
    folio_put(ours.kernel, page)
    assert ours.kernel.zone.pcp.count == 0


def test_by_the_kernels_rule():
    """As much as the low mark, and at least four batches of 63."""
    ours = machine(None)
    assert ours.kernel.zone.pcp.high == max(ours.kernel.zone.watermark_low, 252)
    assert ours.kernel.zone.pcp.batch == 63
