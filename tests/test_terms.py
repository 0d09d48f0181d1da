"""The glossary: one file for the page and for thplab.glossary, near matches, both languages."""

from __future__ import annotations

import re

import pytest

import thplab
from thplab.table import Table
from thplab.terms import Term, terms
from tools.glossary import TARGET, page


def found(name: str) -> str:
    term = thplab.glossary(name)
    assert isinstance(term, Term)
    return term.term


@pytest.mark.parametrize("name", ["collapse", " Collapse ", "合并", "合并(塌缩)"])
def test_a_term_is_found_by_its_names(name: str) -> None:
    assert found(name) == "collapse"


def test_parts_of_a_term_are_names_too() -> None:
    assert found("PMD") == "PGD / PUD / PMD / PTE"
    assert found("accessed bit") == "accessed (young) bit"
    assert found("deposit") == "deposit (of a page table)"


@pytest.mark.parametrize(
    ("name", "near"), [("colapse", "collapse"), ("young", "accessed"), ("split", "pmd split")]
)
def test_near_matches(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"no term '{name}'.*did you mean .*{near}"):
        thplab.glossary(name)


def test_a_word_of_another_world() -> None:
    with pytest.raises(ValueError, match=r"thplab.glossary\(\) lists all"):
        thplab.glossary("xyzzy")


def test_every_term_has_both_languages_and_is_there_once() -> None:
    names = [each.term for each in terms()]
    assert len(set(names)) == len(names) >= 85
    for each in terms():
        assert each.meaning
        assert re.search(r"[\u4e00-\u9fff]", each.zh), each.term


def test_the_page_is_made_of_the_file() -> None:
    assert TARGET.read_text("utf-8") == page(), "run: python -m tools.glossary"


def test_all_of_it_is_a_table() -> None:
    whole = thplab.glossary()
    assert isinstance(whole, Table)
    assert len(whole.rows) == len(terms())
    assert "<table" in thplab.glossary("folio")._repr_html_()
