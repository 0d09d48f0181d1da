"""The named scenarios: each ends as the kernel's rule says, whatever the model's own output would be.

An expectation is the list of verdicts, one for each window that is looked at: the trace string, and
where the rule fixes them the counts none_or_zero, referenced and unmapped.
"""

from __future__ import annotations

from typing import Any

import pytest

from thplab.scenario import NAMED, run_scenario, scenario

YES, NONE, SWAP, SHARED = "succeeded", "exceed_none_pte", "exceed_swap_pte", "exceed_shared_pte"
COLD, PIN, HUGE = "lack_referenced_page", "not_suitable_page_count", "page_pmd_mapped"


def verdict(status: str, none: int = 0, referenced: int = 0, unmapped: int = 0) -> tuple[Any, ...]:
    return status, none, referenced, unmapped


#: scenario -> verdicts under 6.18 (mm/khugepaged.c: what breaks a limit is counted, then the scan stops)
RULES: dict[str, list[tuple[Any, ...]]] = {
    "S05.one_old": [verdict(YES, referenced=511)],
    "S05.one_none": [verdict(YES, none=1, referenced=511)],
    "S05.unregistered": [],
    "S07.none_411": [verdict(NONE, none=412, referenced=100)],
    "S07.none_412": [verdict(YES, none=412, referenced=100)],
    "S07.none_tail": [verdict(NONE, none=412)],
    "S07.one": [verdict(YES, none=511, referenced=1)],
    "S07.zero": [verdict(NONE, none=512), verdict(YES, none=511, referenced=1)],
    "S07.zero_alone": [],
    "S07.strict": [verdict(NONE, none=1, referenced=511)],
    "S07.swap64": [verdict(YES, referenced=448, unmapped=64)],
    "S07.swap65": [verdict(SWAP, unmapped=65)],
    "S07.swap_young256": [verdict(YES, referenced=256, unmapped=64)],
    "S07.swap_young255": [verdict(COLD, referenced=255, unmapped=64)],
    "S07.old": [verdict(COLD)],
    "S07.one_young": [verdict(YES, referenced=1)],
    "S07.shared256": [verdict(YES, referenced=512)],
    "S07.shared257": [verdict(SHARED, referenced=256)],
    "S07.pin": [verdict(PIN, referenced=37)],
    "S07.lock": [verdict("page_locked", referenced=500), verdict(YES, referenced=512)],
    "S07.two_faults": [verdict(PIN, referenced=10)],
    "S07.ro": [verdict(YES, referenced=512)],
    "S07.uffd": [verdict("pte_uffd_wp", referenced=3)],
    "S07.uffd_hole": [verdict(NONE, none=1, referenced=511)],
    "S07.huge": [verdict(HUGE)],
    "S07.notable": [verdict(YES, none=511, referenced=1), verdict("pmd_none")],
    "S07.lazy": [verdict(YES, referenced=511)],
    "S08.clean512": [verdict(YES, referenced=512)],
    "S08.100of512": [verdict(YES, none=412, referenced=100)],
    "S08.compound": [verdict(YES, referenced=512)],
    "S08.memcgfull": [verdict("ccgroup_charge_failed", referenced=512)],
    "S12.shared256": [verdict(YES, referenced=512)],
    "S12.shared257": [verdict(SHARED, referenced=256)],
    "S12.shared257_collapse": [verdict(YES)],
    "S12.swap64": [verdict(YES, referenced=448, unmapped=64)],
    "S12.swap65": [verdict(SWAP, unmapped=65)],
    "S12.swap65_collapse": [verdict(YES, unmapped=65)],
    "S12.young256": [verdict(YES, referenced=256, unmapped=1)],
    "S12.young255": [verdict(COLD, referenced=255, unmapped=1)],
    "S12.collapse.ok": [verdict(YES)],
    "S12.collapse.pin": [verdict(PIN)],
    "S12.collapse.nofree": [verdict("alloc_huge_page_failed")],
    "S12.collapse.memcg": [verdict("ccgroup_charge_failed")],
    "S12.collapse.uffd_hole": [verdict(NONE, none=1)],
    "S12.collapse.nohuge": [],
    "S12.collapse.empty": [verdict("pmd_none")],
    "S12.collapse.half_range": [],
    "S12.popwrite": [verdict(YES)],
    "S13.empty_table": [verdict("pmd_none")],
    "S13.inside_window": [],
    "S13.empty_middle": [verdict(YES), verdict("pmd_none")],
    "S13.guard": [verdict("failed", referenced=511, unmapped=1)],
    "S13.disabled": [verdict("no_process_for_page", referenced=512)],
    "S13.no_pmd_table": [verdict(YES, referenced=512), verdict("pmd_null")],
    "S13.budget": [verdict(HUGE)] * 2,
    "S13.size_off": [],
}  # fmt: skip

#: scenario -> kernel -> verdicts, where they are not those of 6.18
OTHER_KERNELS: dict[str, dict[str, list[tuple[Any, ...]]]] = {
    "S07.ro": {
        "6.1": [verdict("no_writable_page", referenced=512)],
        "6.12": [verdict("no_writable_page", referenced=512)],
    },
    "S07.notable": {"7.3": [verdict(YES, none=511, referenced=1), verdict("no_pte_table")]},
    "S07.lazy": {"7.3": [verdict("page_lazyfree", referenced=300)]},
    "S12.collapse.empty": {"7.3": [verdict("no_pte_table"), verdict(YES, none=511)]},
    "S13.empty_middle": {"7.3": [verdict(YES), verdict("no_pte_table"), verdict(YES)]},
    "S13.no_pmd_table": {"7.3": [verdict(YES, referenced=512), verdict("no_pte_table")]},
    "S13.budget": {"7.3": [verdict(HUGE)] * 12},
    "S13.empty_table": {"6.1": [verdict(NONE, none=512)]},
    "S13.guard": {"6.1": [verdict(YES, none=1, referenced=511)]},
    "S13.disabled": {"6.1": [verdict("vma_check_failed", referenced=512)]},
}

#: scenario -> errno of its MADV_COLLAPSE call (0: success)
ERRNO = {
    "S12.shared257_collapse": 0,
    "S12.swap65_collapse": 0,
    "S12.collapse.ok": 0,
    "S12.collapse.pin": "EAGAIN",
    "S12.collapse.nofree": "ENOMEM",
    "S12.collapse.memcg": "EBUSY",
    "S12.collapse.uffd_hole": "EBUSY",
    "S12.collapse.nohuge": "EINVAL",
    "S12.collapse.empty": "EINVAL",
    "S12.collapse.half_range": 0,
    "S12.popwrite": 0,
    "S13.inside_window": "EINVAL",
    "S13.empty_middle": "EINVAL",
}

#: Scenarios whose rule is arithmetic over several passes: test_lesson6.py; races: test_races.py; results:
#: tests/lessons/test_gallery.py; or that have no verdict.
_GROUPS = ("S06.", "S07.result.", "S08.race.", "S08.outcome.")
ELSEWHERE = {name for name in NAMED if name.startswith(_GROUPS)} | {
    "note", "S12.fork", "S13.huge_zero", "S13.split_zero", "S13.except_advised", "S13.shmem",
    "S13.shmem_once", "S13.sizes", "S13.fresh_child",
}  # fmt: skip


def verdicts(seen: dict[str, Any]) -> list[tuple[Any, ...]]:
    parts = [part for step in seen["steps"] for part in step.get("wakeups", [step])]
    return [
        verdict(event["status"], event["none_or_zero"], event["referenced"], event["unmapped"])
        for part in parts
        for event in part.get("events", ())
        if event["ev"] == "scan_pmd"
    ]


def test_every_scenario_has_a_rule_and_a_story() -> None:
    assert set(RULES) | ELSEWHERE == set(NAMED)
    for name, each in NAMED.items():
        assert each.story, name
        assert "\n" not in each.story, name


@pytest.mark.parametrize("name", RULES)
def test_verdicts_of_6_18(name: str) -> None:
    seen = run_scenario(scenario(name))
    windows = verdicts(seen)
    # The note's machine has seven more windows behind the first, which nobody touched.
    assert [each for each in windows if each[0] != "pmd_none" or name in ("S07.notable",)] == RULES[name] or (
        windows == RULES[name]
    )
    assert all(each["ok"] for each in seen["verify"].values())


@pytest.mark.parametrize(("name", "kernel"), [(n, k) for n in OTHER_KERNELS for k in OTHER_KERNELS[n]])
def test_verdicts_of_other_kernels(name: str, kernel: str) -> None:
    assert verdicts(run_scenario(scenario(name), kernel)) == OTHER_KERNELS[name][kernel]


@pytest.mark.parametrize(
    ("name", "kernel", "after"),
    [
        ("S13.huge_zero", "6.18", "H512"),
        ("S13.huge_zero", "6.1", "z9 p1 z502"),
        ("S13.except_advised", "6.18", "p1 .511"),
        ("S13.except_advised", "6.1", "H512"),
        ("S13.inside_window", "7.3", "p512"),
        ("S13.sizes", "6.1", ".5 p1 .506"),
        ("S13.sizes", "6.12", "c16 .496"),
        ("S13.split_zero", "6.18", "p1 z511"),
        ("S13.split_zero", "6.1", "p512"),
    ],
)
def test_what_pages_become(name: str, kernel: str, after: str) -> None:
    assert run_scenario(scenario(name), kernel)["after"]["a"]["windows"] == [after]


@pytest.mark.parametrize("name", ERRNO)
def test_errno_of_madvise_collapse(name: str) -> None:
    calls = [call for step in run_scenario(scenario(name))["steps"] for call in step.get("calls", ())]
    assert [call["errno"] for call in calls] == [ERRNO[name]]


@pytest.mark.parametrize(
    ("name", "pages"), [("S07.none_412", 412), ("S07.one", 511), ("S08.100of512", 412), ("S08.clean512", 0)]
)
def test_a_collapse_makes_the_process_grow_by_its_holes(name: str, pages: int) -> None:
    seen = run_scenario(scenario(name))
    (before,), (after,) = seen["before"].values(), seen["after"].values()
    assert after["rss_pages"] - before["rss_pages"] == pages


def test_unknown_names_get_near_matches() -> None:
    with pytest.raises(ValueError, match=r"did you mean S07\.none_411"):
        scenario("S07.none411")
    with pytest.raises(ValueError, match="known: note"):
        scenario("zzz")
