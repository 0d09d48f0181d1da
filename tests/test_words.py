"""Numbers with the things that they count, and the name that was meant."""

from __future__ import annotations

import pytest

from thplab.words import counted, did_you_mean


@pytest.mark.parametrize(
    ("number", "pages", "entries"),
    [(0, "0 pages", "0 entries were"), (1, "1 page", "1 entry was"), (2, "2 pages", "2 entries were")],
)
def test_one_is_not_many(number: int, pages: str, entries: str) -> None:
    assert counted(number, "page") == pages
    assert counted(number, "entry was", "entries were") == entries


def test_the_nearest_name_is_offered_and_nothing_where_none_is_near() -> None:
    known = ["max_ptes_swap", "max_ptes_none"]
    assert did_you_mean("max_pte_none", known) == " (did you mean max_ptes_none?)"
    assert did_you_mean("xyzzy", known) == ""
    assert did_you_mean("note" * 100_000, ["note"]) == ""
