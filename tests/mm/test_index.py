"""The index of the model is up to date."""

from __future__ import annotations

from thplab.kernels import PROFILES
from tools.mm_index import PAGE, _kernel_name, index_page


def test_the_index_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == index_page(), "run: python -m tools.mm_index"


def test_another_name_in_the_kernel_comes_from_the_docstring_or_the_profiles() -> None:
    assert _kernel_name("create_huge_pmd", "do_huge_pmd_anonymous_page: map a huge page") == (
        "`do_huge_pmd_anonymous_page`"
    )
    old = PROFILES["6.1"].frames_of["page_rmappable_folio"][0].name
    assert _kernel_name("page_rmappable_folio", "") == f"`{old}` (to 6.1)"
    said = "hpage_collapse_scan_pmd (6.1 to 6.18)"
    later = PROFILES["7.3"].frames_of["scan_pmd"][0].name
    assert _kernel_name("scan_pmd", f"What?\n\nKernel name: {said}.") == f"{said}, `{later}` (since 7.3)"
    assert _kernel_name("zonelist", "The zones: the highest first.") == ""
