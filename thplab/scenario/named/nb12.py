"""Lesson 12: fork, copy on write, sharing, swap, and MADV_COLLAPSE."""

from __future__ import annotations

from thplab.scenario.build import experiment
from thplab.scenario.data import Scenario

__all__ = ["SCENARIOS"]


def _fork_many(windows: int) -> Scenario:
    """Huge pages, a fork, and one byte written into each: base pages are copied, PMDs split."""
    writes = [[512 * number, 512 * number + 1] for number in range(windows)]
    return Scenario.from_data(
        {
            "name": "S12.fork",
            "story": "A snapshot by fork: each write splits a huge mapping and copies 4 KiB, not 2 MiB.",
            "settings": {"enabled": "always"},
            "ops": [
                {"op": "mmap", "start": 0, "pages": 512 * windows},
                {"op": "write", "pages": writes},
                {"op": "fork"},
            ],
            "action": {"type": "ops", "ops": [{"op": "write", "pages": writes, "gen": 1}]},
        }
    )


_SHARING = (
    _fork_many(10),
    experiment("256x shared, 256x young", name="S12.shared256", story="256 pages shared with a child."),
    experiment("257x shared, 255x young", name="S12.shared257", story="257 pages shared: khugepaged waits."),
    experiment(
        "257x shared, 255x young",
        name="S12.shared257_collapse",
        story="MADV_COLLAPSE is not bound by max_ptes_shared.",
        then="collapse",
    ),
    experiment("64x swap, 448x young", name="S12.swap64", story="64 pages come back from swap and move in."),
    experiment("65x swap, 447x young", name="S12.swap65", story="65 pages swapped out: khugepaged refuses."),
    experiment(
        "65x swap, 447x young",
        name="S12.swap65_collapse",
        story="MADV_COLLAPSE is not bound by max_ptes_swap.",
        then="collapse",
    ),
    experiment("1x swap, 256x young, 255x old", name="S12.young256", story="One page in swap, 256 in use."),
    experiment("1x swap, 255x young, 256x old", name="S12.young255", story="One page in swap, 255 in use."),
)

_COLLAPSE = (
    experiment(
        "512x old",
        name="S12.collapse.ok",
        story="MADV_COLLAPSE works under enabled=never and asks for no accessed mark.",
        then="collapse",
        enabled="never",
    ),
    experiment(
        "37x young, 1x pinned, 474x young",
        name="S12.collapse.pin",
        story="A pinned page: EAGAIN, try again later.",
        then="collapse",
    ),
    experiment(
        "512x young",
        "512x young",
        name="S12.collapse.nofree",
        story="No free huge page: ENOMEM.",
        then="collapse",
        machine={"memory_pages": 2 * 512 + 256},
    ),
    experiment(
        "512x young",
        name="S12.collapse.memcg",
        story="The cgroup is full: EBUSY.",
        first=[{"op": "cgroup"}],
        last=[{"op": "cgroup_limit", "extra_pages": 500, "swappiness": 0}],
        then="collapse",
    ),
    experiment(
        "511x young, 1x none",
        name="S12.collapse.uffd_hole",
        story="A hole in a VMA armed with userfaultfd: EBUSY (6.1: EINVAL).",
        last=[{"op": "uffd_wp", "mode": "missing"}],
        then="collapse",
    ),
    experiment(
        "512x young",
        name="S12.collapse.nohuge",
        story="MADV_NOHUGEPAGE binds MADV_COLLAPSE too: EINVAL.",
        last=[{"op": "advise", "advice": "nohugepage"}],
        then="collapse",
    ),
    experiment(
        "512x none",
        "1x young, 511x none",
        name="S12.collapse.empty",
        story="Nothing there to collapse: EINVAL, and the window behind it is looked at only by 7.3.",
        then="collapse",
    ),
    experiment(
        "512x young",
        "512x young",
        name="S12.collapse.half_range",
        story="Half a window on each side: no whole window in the range, nothing to do, success.",
        then=[{"type": "madvise_collapse", "ranges": [[256, 768]]}],
    ),
    experiment(
        "512x none",
        name="S12.popwrite",
        story="Fill with MADV_POPULATE_WRITE, then MADV_COLLAPSE: huge whatever `enabled` says.",
        enabled="never",
        then=[
            {"type": "ops", "ops": [{"op": "advise", "advice": "populate_write"}]},
            {"type": "madvise_collapse"},
        ],
    ),
)

SCENARIOS = (*_SHARING, *_COLLAPSE)
