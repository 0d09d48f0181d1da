"""What each kernel version calls things and does differently."""

from __future__ import annotations

import errno

import pytest

from thplab.kernels import DEFAULT, PROFILES, ScanResult, profile

S = ScanResult
#: trace strings in the order of ``enum scan_result`` of 6.18 (reference, tracepoints 2.3)
STRINGS_6_18 = [
    "failed",
    "succeeded",
    "pmd_null",
    "pmd_none",
    "page_pmd_mapped",
    "exceed_none_pte",
    "exceed_swap_pte",
    "exceed_shared_pte",
    "pte_non_present",
    "pte_uffd_wp",
    "pte_mapped_hugepage",
    "lack_referenced_page",
    "page_null",
    "scan_aborted",
    "not_suitable_page_count",
    "page_not_in_lru",
    "page_locked",
    "page_not_anon",
    "page_compound",
    "no_process_for_page",
    "vma_null",
    "vma_check_failed",
    "not_suitable_address_range",
    "could_not_delete_page_from_lru",
    "alloc_huge_page_failed",
    "ccgroup_charge_failed",
    "truncated",
    "page_has_private",
    "store_failed",
    "copy_poisoned_page",
    "page_filled",
]
EAGAIN_6_18 = {S.PAGE_COUNT, S.PAGE_LRU, S.PAGE_LOCK, S.DEL_PAGE_LRU, S.PAGE_FILLED}
GOES_ON_6_18 = {
    S.PMD_NULL,
    S.PTE_NON_PRESENT,
    S.PTE_UFFD_WP,
    S.LACK_REFERENCED_PAGE,
    S.PAGE_NULL,
    S.PAGE_COUNT,
    S.PAGE_LRU,
    S.PAGE_LOCK,
    S.PAGE_COMPOUND,
    S.DEL_PAGE_LRU,
}


def test_the_default_is_6_18():
    """Which kernel does one get without asking, and which are there?"""
    assert DEFAULT is PROFILES["6.18"] is profile("6.18")
    assert set(RECORDED) <= set(PROFILES)


def test_unknown_kernel():
    """Does an unknown kernel name the known ones and the nearest?"""
    with pytest.raises(ValueError, match=r"'6\.19' \(did you mean 6\.1\?\).*6\.1, .*6\.18"):
        profile("6.19")


def test_results_of_6_18():
    """Has each result of 6.18 its number and string?"""
    assert [result.value for result in profile("6.18").results] == STRINGS_6_18
    assert profile("6.18").number(S.PAGE_FILLED) == 30
    with pytest.raises(ValueError, match="not in"):
        profile("6.18").number(S.PAGE_RO)


def test_results_of_6_1():
    """Where does no_writable_page stand in 6.1, and what is not there yet?"""
    old = profile("6.1")
    assert old.number(S.PAGE_RO) == 11
    assert [old.number(r) for r in (S.LACK_REFERENCED_PAGE, S.PAGE_COUNT, S.STORE_FAILED)] == [12, 15, 29]
    assert S.COPY_MC not in old.results
    assert S.PAGE_FILLED not in old.results


@pytest.mark.parametrize("result", list(S))
def test_errno_of_6_18(result):
    """What does MADV_COLLAPSE return in 6.18 if this was the last failure?"""
    expected = errno.EINVAL
    if result in EAGAIN_6_18:
        expected = errno.EAGAIN
    elif result in (S.EXCEED_NONE_PTE, S.CGROUP_CHARGE_FAIL):
        expected = errno.EBUSY
    elif result is S.ALLOC_HUGE_PAGE_FAIL:
        expected = errno.ENOMEM
    assert profile("6.18").errno(result) == expected


@pytest.mark.parametrize(
    ("result", "number"),
    [
        (S.EXCEED_NONE_PTE, errno.EINVAL),
        (S.CGROUP_CHARGE_FAIL, errno.EBUSY),
        (S.PAGE_RO, errno.EINVAL),
        (S.PAGE_COUNT, errno.EAGAIN),
        (S.PAGE_LOCK, errno.EAGAIN),
        (S.PAGE_LRU, errno.EAGAIN),
        (S.DEL_PAGE_LRU, errno.EAGAIN),
        (S.ALLOC_HUGE_PAGE_FAIL, errno.ENOMEM),
        (S.PMD_NONE, errno.EINVAL),
    ],
)
def test_errno_of_6_1(result, number):
    """What does MADV_COLLAPSE return in 6.1?"""
    assert profile("6.1").errno(result) == number


def test_after_which_results_madvise_collapse_goes_on():
    """After which failures does MADV_COLLAPSE look at the next window?"""
    assert profile("6.18").goes_on == GOES_ON_6_18
    assert profile("6.1").goes_on == GOES_ON_6_18 | {S.PAGE_RO}


def test_facts():
    """What does 6.1 do differently?"""
    old, new = profile("6.1"), profile("6.18")
    assert (old.needs_writable_pte, new.needs_writable_pte) == (True, False)
    assert (old.trace_has_writable, new.trace_has_writable) == (True, False)
    assert (old.frees_empty_table, new.frees_empty_table) == (False, True)
    assert (old.huge_zero_page_is_replaced, new.huge_zero_page_is_replaced) == (False, True)
    assert (old.has_vma_lock, new.has_vma_lock) == (False, True)


def test_results_of_6_12():
    """Is 6.12's enum that of 6.18 with no_writable_page in it?"""
    old = profile("6.12")
    assert [r.value for r in old.results if r is not S.PAGE_RO] == STRINGS_6_18
    assert old.number(S.PAGE_RO) == 11
    assert old.goes_on == GOES_ON_6_18 | {S.PAGE_RO}
    assert old.errno(S.EXCEED_NONE_PTE) == errno.EBUSY
    assert old.errno(S.PAGE_RO) == errno.EINVAL


def test_results_of_7_3():
    """Which results has 7.3, and which numbers are known (ret=5 in the trace is exceed_swap_pte)?"""
    new = profile("7.3")
    assert new.number(S.EXCEED_SWAP_PTE) == 5
    assert {r.value for r in new.results} == set(STRINGS_6_18) - {"pmd_null", "pmd_none"} | {
        "no_pte_table",
        "page_lazyfree",
        "page_dirty_or_writeback",
    }
    assert S.NO_PTE_TABLE in new.goes_on
    assert new.errno(S.PAGE_HAS_PRIVATE) == errno.EAGAIN


#: The kernels of which there are captures.
RECORDED = ("6.1", "6.12", "6.18", "7.3")


@pytest.mark.parametrize(
    ("fact", "kernels"),
    [
        ("needs_writable_pte", "6.1 6.12"),
        ("frees_empty_table", "6.18 7.3"),
        ("huge_zero_page_is_replaced", "6.18 7.3"),
        ("swapin_makes_writable", "6.12 6.18 7.3"),
        ("split_maps_zero_page", "6.12 6.18 7.3"),
        ("has_guard_pages", "6.18 7.3"),
        ("prctl_has_except_advised", "6.18 7.3"),
        ("has_mthp", "6.12 6.18 7.3"),
        ("refuses_lazyfree", "7.3"),
        ("window_costs_what_was_read", "7.3"),
        ("no_whole_window_is_an_error", "6.1 6.12 6.18"),
        ("daemon_runs_for_any_size", "7.3"),
    ],
)
def test_which_kernel_does_what(fact, kernels):
    """Which of 6.1, 6.12, 6.18 and 7.3 does it, by the captures?"""
    assert [name for name in RECORDED if getattr(PROFILES[name], fact)] == kernels.split()


def test_c_names():
    """What is a result called in C?"""
    assert (S.PMD_NULL.constant, S.SCAN_ABORT.constant) == ("SCAN_PMD_NULL", "SCAN_SCAN_ABORT")


def names(kernel: str, function: str, caller: str | None = None) -> list[str]:
    return [frame.name for frame in profile(kernel).frames(function, caller, ("mm", "cc"))]


def test_frames():
    """Which kernel frames does a function of the model stand for?"""
    assert names("6.18", "scan_pmd") == names("6.1", "scan_pmd") == ["hpage_collapse_scan_pmd"]
    assert names("6.1", "alloc_charge_folio") == ["alloc_charge_hpage"]
    assert names("6.1", "__folio_alloc", "alloc_charge_folio") == ["hpage_collapse_alloc_page"]
    assert names("6.1", "page_rmappable_folio") == ["prep_transhuge_page"]
    assert names("6.18", "alloc_charge_folio") == ["alloc_charge_folio"]


def test_frames_of_functions_without_an_entry():
    """What does a function stand for that the profile does not know?"""
    (frame,) = profile("6.18").frames("__collapse_huge_page_isolate", None, ("vma", "address"))
    assert (frame.name, dict(frame.args)) == (
        "__collapse_huge_page_isolate",
        {"vma": "vma", "address": "address"},
    )
    assert profile("6.18").frames("_recheck_for_reading", None, ("mm",)) == ()
