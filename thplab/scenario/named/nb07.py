"""Lesson 7, scan_pmd: every reason to say no. The ids are those of the lesson's table."""

from __future__ import annotations

from thplab.scenario.build import experiment
from thplab.scenario.named.note import note_like

__all__ = ["SCENARIOS"]

_LIMITS = (
    note_like(
        "S07.none_411", "100 pages, 412 holes, 411 allowed: one hole too many.", [[0, 100]], max_ptes_none=411
    ),
    note_like("S07.none_412", "The same window with 412 allowed.", [[0, 100]], max_ptes_none=412),
    note_like("S07.none_tail", "412 holes first, then 100 pages.", [[412, 512]], max_ptes_none=411),
    note_like("S07.one", "One page in use is enough at the default.", [[0, 1]]),
    experiment(
        "512x zero",
        "1x young, 511x none",
        name="S07.zero",
        story="512 zero pages count as none; a written page elsewhere makes the VMA eligible.",
    ),
    experiment(
        "512x zero",
        name="S07.zero_alone",
        story="Only zero pages: the VMA has no anon_vma, so nobody looks at it at all.",
    ),
    experiment(
        "511x young, 1x none", name="S07.strict", story="No hole allowed, and there is one.", max_ptes_none=0
    ),
    experiment("64x swap, 448x young", name="S07.swap64", story="64 pages swapped out: just allowed."),
    experiment("65x swap, 447x young", name="S07.swap65", story="65 pages swapped out: one too many."),
    experiment(
        "64x swap, 256x young, 192x old",
        name="S07.swap_young256",
        story="With any page swapped out 256 must be in use: they are.",
    ),
    experiment(
        "64x swap, 255x young, 193x old",
        name="S07.swap_young255",
        story="With any page swapped out 256 must be in use: one is missing.",
    ),
    experiment("512x old", name="S07.old", story="Nothing was used lately: not worth a huge page."),
    experiment("511x old, 1x young", name="S07.one_young", story="One page in use is enough."),
    experiment(
        "256x shared, 256x young", name="S07.shared256", story="256 pages shared with a child: just allowed."
    ),
    experiment("257x shared, 255x young", name="S07.shared257", story="257 pages shared: one too many."),
)

_VETOES = (
    experiment(
        "37x young, 1x pinned, 474x young", name="S07.pin", story="Page 37 is pinned: it must not move."
    ),
    experiment(
        "512x young",
        name="S07.lock",
        story="Page 500 is locked by somebody at the first visit, and free at the second.",
        then=[
            {"type": "ops", "ops": [{"op": "lock_page", "pages": [[500, 501]]}]},
            {"type": "khugepaged"},
            {"type": "ops", "ops": [{"op": "unlock_page", "pages": [[500, 501]]}]},
            {"type": "khugepaged"},
        ],
    ),
    experiment(
        "10x young, 1x pinned, 501x none",
        name="S07.two_faults",
        story="A pinned page and too many holes: the first in address order decides.",
        max_ptes_none=411,
    ),
    experiment(
        "512x young",
        name="S07.ro",
        story="A read-only window: 6.1 and 6.12 want one writable page, later kernels do not.",
        last=[{"op": "mprotect", "prot": "r"}],
    ),
    experiment(
        "3x young, 1x uffd, 508x young", name="S07.uffd", story="Page 3 is write-protected by userfaultfd."
    ),
    experiment(
        "511x young, 1x none",
        name="S07.uffd_hole",
        story="In a VMA armed with userfaultfd any hole is one too many: it would be filled unseen.",
        last=[{"op": "uffd_wp", "mode": "missing"}],
    ),
    experiment("512x huge", name="S07.huge", story="Already one huge page: no entry is looked at."),
    experiment(
        "1x young, 511x none",
        "512x none",
        name="S07.notable",
        story="Nothing of the second window was ever touched: it has no page table.",
    ),
    experiment(
        "300x young, 1x lazyfree, 211x young",
        name="S07.lazy",
        story="One page was given back by MADV_FREE: 7.3 leaves such a window alone.",
    ),
)

SCENARIOS = (*_LIMITS, *_VETOES)
