"""The gallery: every result of every kernel is reached by a run, or is one that none here can reach."""

from __future__ import annotations

import pytest

from thplab.kernels import PROFILES, ScanResult, profile
from thplab.lessons.runs.by_result import BY_RESULT, NOT_REACHED
from thplab.lessons.runs.verdict_gallery import exhibit, exhibits, gallery_table
from thplab.lessons.widgets.gallery_box import gallery
from thplab.scenario import run_scenario

#: What the recorded runs of real kernels never showed either (captures README, section 7), without those that
#: the model's races reach; and the one that only 7.2 and later have, for files on disk.
NOT_EVEN_THERE = {
    "scan_aborted", "page_null", "page_compound", "truncated", "page_has_private", "store_failed",
    "page_filled",
    "copy_poisoned_page", "page_dirty_or_writeback",
}  # fmt: skip

#: What kernels return for a last failure, 6.18 (captures README, reference of MADV_COLLAPSE).
ERRNOS = {
    "failed": "EINVAL", "succeeded": "0", "exceed_none_pte": "EBUSY", "not_suitable_page_count": "EAGAIN",
    "page_not_in_lru": "EAGAIN", "page_locked": "EAGAIN", "could_not_delete_page_from_lru": "EAGAIN",
    "alloc_huge_page_failed": "ENOMEM", "ccgroup_charge_failed": "EBUSY", "page_filled": "EAGAIN",
    "vma_null": "EINVAL", "page_pmd_mapped": "0",
}  # fmt: skip

#: MADV_COLLAPSE is not bound by the limits and the accessed marks, and refuses no lazyfree page.
ONLY_FOR_KHUGEPAGED = {
    "exceed_none_pte", "exceed_swap_pte", "exceed_shared_pte", "lack_referenced_page", "page_lazyfree",
}  # fmt: skip


def statuses(result: ScanResult, kernel: str) -> set[str]:
    """The results that the scenario of a result shows."""
    last = run_scenario(BY_RESULT[result], kernel)["steps"][-1]
    events = [event for wakeup in last.get("wakeups", [last]) for event in wakeup["events"]]
    return {str(event.get("status", event.get("result"))) for event in events}


def test_only_what_no_recorded_kernel_showed_is_left_out() -> None:
    assert {result.value for result in NOT_REACHED} == NOT_EVEN_THERE
    assert all(NOT_REACHED.values())
    for kernel in PROFILES:
        for result in profile(kernel).results:
            assert (result in BY_RESULT) != (result in NOT_REACHED), result


@pytest.mark.parametrize("kernel", PROFILES)
def test_every_result_is_reached_under_every_kernel_that_has_it(kernel: str) -> None:
    for each in exhibits(kernel):
        if each.scenario is not None:
            assert each.result.value in statuses(each.result, kernel), each.result


def test_the_evidence_says_where_and_why() -> None:
    where = {each.result.value: each.evidence.where for each in exhibits() if each.evidence}
    assert where["exceed_none_pte"] == "look, at entry 511"
    assert where["exceed_swap_pte"] == "look, at entry 64"
    assert where["not_suitable_page_count"] == "look, at entry 37"
    assert where["page_pmd_mapped"] == where["pmd_none"] == where["pte_mapped_hugepage"] == "look"
    assert where["lack_referenced_page"] == "decide"
    assert where["alloc_huge_page_failed"] == where["ccgroup_charge_failed"] == "1 get memory"
    assert where["vma_null"] == where["failed"] == where["page_not_anon"] == "2 re-check"
    assert where["pte_non_present"] == where["could_not_delete_page_from_lru"] == "4 isolate"
    assert where["succeeded"] == "7 publish"
    for each in exhibits():
        seen = each.evidence
        if seen is not None:
            assert f"={each.result.value}" in seen.trace_line
            assert seen.sentence


def test_errnos_are_those_of_the_kernel() -> None:
    for status, name in ERRNOS.items():
        assert exhibit(status).errno == name, status
    assert exhibit("exceed_none_pte", "6.1").errno == "EINVAL"
    for each in exhibits():
        if each.scenario is not None and each.result.value not in ONLY_FOR_KHUGEPAGED:
            assert each.under_collapse == each.errno, each.result
    assert {exhibit(status).under_collapse for status in ONLY_FOR_KHUGEPAGED - {"page_lazyfree"}} == {"0"}
    assert exhibit("page_lazyfree", "7.3").under_collapse == "0"


def test_results_that_come_and_go() -> None:
    with pytest.raises(ValueError, match=r"Linux 6.18 has no result 'no_writable_page'"):
        exhibit("no_writable_page")
    assert exhibit("no_writable_page", "6.12").scenario is not None
    assert exhibit("no_pte_table", "7.3").scenario is not None


def test_the_table_has_a_line_for_each_result_and_the_reason_for_those_not_reached() -> None:
    table = gallery_table()
    assert len(table.rows) == len(profile("6.18").results)
    row = dict(zip(table.heads, next(r for r in table.rows if r[0] == "SCAN_SCAN_ABORT"), strict=True))
    assert row["step"] == "not reached"
    assert "one node" in row["what the run says"]


def test_the_widget_shows_a_card_and_a_stage() -> None:
    shown = gallery("exceed_none_pte")
    assert "SCAN_EXCEED_NONE_PTE" in shown.text()
    assert "100x present, in use; 412x empty" in shown.text()
    stage = shown.show_stage()
    assert stage is not None
    assert stage.step > 0
    shown.kernel.value = "7.3"
    assert shown.result.value == "exceed_none_pte"
    shown.result.value = "scan_aborted"
    assert "not reached: several memory nodes" in shown.text()
    assert shown.show_stage() is None
    shown.result.value = "no_pte_table"
    shown.kernel.value = "6.18"  # which has no such result
    assert shown.result.value == "failed"
