"""What an answer has besides a recording: counters, children, charges, and why nothing happened."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sampling import some
from thplab.scenario import NAMED
from thplab.scenario.predict import predict

MMAP = {"op": "mmap", "start": 0, "pages": 512}
WRITE, HUGEPAGE = {"op": "write"}, {"op": "advise", "advice": "hugepage"}
KHUGEPAGED, COLLAPSE = {"type": "khugepaged"}, {"type": "madvise_collapse"}
FAULT = {"type": "fault", "touches": [{"page": 0, "write": True}]}


def answer(*ops: dict[str, Any], then: dict[str, Any] = KHUGEPAGED, **others: Any) -> dict[str, Any]:
    return predict({"ops": list(ops), "action": then, **others})


def why(*ops: dict[str, Any], then: dict[str, Any] = KHUGEPAGED, **others: Any) -> list[str]:
    return answer(*ops, then=then, **others)["steps"][0].get("why", [])


UNKNOWN = "khugepaged does not know process a: nothing registered it"
FULL = {"settings": {"defrag": "never"}, "machine": {"memory": "full"}}
LATER = {"settings": {"enabled": "always"}, "setup_settings": {"enabled": "madvise"}}


@pytest.mark.parametrize(
    ("ops", "others", "expected"),
    [
        ([MMAP, WRITE], {}, [UNKNOWN, "enabled is madvise, and MADV_HUGEPAGE was not called"]),
        ([MMAP, WRITE], LATER, ["the first fault in another window, or MADV_HUGEPAGE, would"]),
        ([MMAP, WRITE, {"op": "advise", "advice": "nohugepage"}], {}, [UNKNOWN, "MADV_NOHUGEPAGE forbids"]),
        ([MMAP, WRITE, {"op": "prctl_thp_disable"}, HUGEPAGE], {}, [UNKNOWN, "prctl(PR_SET_THP_DISABLE)"]),
        (
            [{**MMAP, "start": 1}, WRITE, HUGEPAGE],
            {},
            [UNKNOWN, "pages 1 to 512: no aligned window of 2048 kB lies in the mapping"],
        ),
        ([MMAP, WRITE, HUGEPAGE], {"settings": {"enabled": "never"}}, ["does not run: enabled is never"]),
        (
            [{**MMAP, "kind": "shared"}, WRITE, HUGEPAGE],
            {},
            [UNKNOWN, "shmem_enabled is never"],
        ),
        (
            [{**MMAP, "pages": 1024}, {"op": "write", "pages": [[0, 10], [512, 530]]}, HUGEPAGE],
            {"settings": {"max_ptes_none": 0}},
            ["khugepaged refused 2 windows of process a: exceed_none_pte (0, 1)"],
        ),
        ([MMAP, WRITE, HUGEPAGE, {"op": "munmap"}], {}, ["khugepaged did not come to process a"]),
        ([MMAP, WRITE, HUGEPAGE], {}, []),
    ],
)  # fmt: skip
def test_why_khugepaged_made_no_huge_page(
    ops: list[dict[str, Any]], others: dict[str, Any], expected: list[str]
) -> None:
    said = why(*ops, **others)
    assert bool(said) == bool(expected)
    for words in expected:
        assert any(words in text for text in said), said


@pytest.mark.parametrize(
    ("ops", "words"),
    [
        ([MMAP, WRITE, {"op": "advise", "advice": "nohugepage"}], "MADV_NOHUGEPAGE"),
        ([MMAP], "nothing was ever written here"),
        ([MMAP, WRITE, {"op": "pin", "pages": [[3, 4]]}], "not_suitable_page_count (0)"),
        ([MMAP, WRITE], ""),
    ],
)
def test_why_madv_collapse_failed(ops: list[dict[str, Any]], words: str) -> None:
    said = why(*ops, then={**COLLAPSE, "ranges": [[0, 512]]})
    assert (words in said[0]) if words else not said


@pytest.mark.parametrize(
    ("ops", "others", "words"),
    [
        ([MMAP], {}, "enabled is madvise, and MADV_HUGEPAGE was not called"),
        ([{**MMAP, "pages": 511}, HUGEPAGE], {}, "does not lie in the mapping"),
        ([MMAP, HUGEPAGE], FULL, "no huge page was free"),
        (
            [{"op": "cgroup"}, MMAP, HUGEPAGE, {"op": "cgroup_limit", "extra_pages": 511, "swappiness": 0}],
            {},
            "the cgroup's limit",
        ),
        ([MMAP, HUGEPAGE], {}, ""),
    ],
)  # fmt: skip
def test_why_a_fault_got_a_small_page(ops: list[dict[str, Any]], others: dict[str, Any], words: str) -> None:
    said = why(*ops, then=FAULT, **others)
    assert (words in said[0]) if words else not said


def test_a_process_that_exits_in_the_call_gets_its_verdict() -> None:
    leave = {"at": "after_alloc", "op": {"op": "exit"}}
    said = why(MMAP, WRITE, then={**COLLAPSE, "intruders": [leave]})
    assert said == ["MADV_COLLAPSE refused 1 window of process a: no_process_for_page (0)"]


def test_children_are_asked_too_and_photographed() -> None:
    ops = [MMAP, {"op": "prctl_thp_disable"}, {"op": "fork"}, {"op": "kid", "ops": [HUGEPAGE, WRITE]}]
    found = answer(*ops)
    assert any("process a.k" in text and "prctl" in text for text in found["steps"][0]["why"])
    assert found["children"]["a.k"]["windows"] == ["p512"]
    assert "children" not in answer(*ops, {"op": "kid_exit"})


def test_a_huge_page_stays_charged_until_all_of_it_is_given_back() -> None:
    ops = [MMAP, {"op": "cgroup"}, WRITE, {"op": "advise", "advice": "dontneed", "pages": [[1, 512]]}]
    found = answer(*ops, then={"type": "none"}, settings={"enabled": "always"})
    assert found["charges"] == {"a": {"pages": 512, "limit": None}}
    assert found["after"]["a"]["rss_pages"] == 1
    assert "charges" not in answer(MMAP)


def test_reclaim_splits_what_is_mapped_in_part_and_the_charge_falls() -> None:
    ops = [MMAP, {"op": "cgroup"}, WRITE, {"op": "advise", "advice": "dontneed", "pages": [[1, 512]]}]
    drop = {"type": "set", "settings": {"drop_caches": 2}}
    found = answer(*ops, then=drop, settings={"enabled": "always"})
    assert found["charges"]["a"]["pages"] == 1
    assert found["steps"][0]["counters"]["thp_split_page"] == 1


def test_counters_are_those_that_changed_in_the_step() -> None:
    found = answer(MMAP, WRITE, HUGEPAGE)["steps"][0]["counters"]
    assert found["thp_collapse_alloc"] == 1
    assert 0 not in found.values()
    assert not any(name.startswith("thp_fault") for name in found)


@pytest.mark.parametrize("name", some([name for name in NAMED if name != "S06.AB"], 50))
def test_there_is_a_reason_exactly_where_no_window_became_huge(name: str) -> None:
    for step in predict(NAMED[name].raw)["steps"]:
        if step["type"] in ("khugepaged", "madvise_collapse"):
            events = [*step.get("events", ()), *(e for w in step.get("wakeups", ()) for e in w["events"])]
            collapsed = any(e["ev"].startswith("collapse") and e["status"] == "succeeded" for e in events)
            fine = step["type"] == "madvise_collapse" and not any(call["ret"] for call in step["calls"])
            assert ("why" not in step) is (collapsed or fine)
