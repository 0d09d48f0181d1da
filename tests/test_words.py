"""Numbers with the things that they count."""

from __future__ import annotations

import pytest

from thplab.words import counted


@pytest.mark.parametrize(
    ("number", "pages", "entries"),
    [(0, "0 pages", "0 entries were"), (1, "1 page", "1 entry was"), (2, "2 pages", "2 entries were")],
)
def test_one_is_not_many(number: int, pages: str, entries: str) -> None:
    assert counted(number, "page") == pages
    assert counted(number, "entry was", "entries were") == entries
