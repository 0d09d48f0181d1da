"""Texts: holes and how they are filled, and what no text may have."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from thplab.mm.include import lock
from thplab.recording import story
from thplab.recording.story import TELLERS, TEMPLATES, Rank, Template, fill
from thplab.recording.story.template import detail, holes
from thplab.recording.story.windows import VERDICTS

LOCKS = [
    lock.KHUGEPAGED_MM_LOCK, lock.MMAP_LOCK, lock.VMA_LOCK, lock.ANON_VMA, lock.I_MMAP_RWSEM,
    lock.PAGE_TABLE_LOCK,
]  # fmt: skip
EVERY = pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda template: template.kind)


def without_holes(text: str) -> str:
    """What is typed: holes go, the words for one and for many stay."""
    return re.sub(r"\{\w+(?:\|([^|}]*)\|([^}]*))?\}", r"\1 \2", text)


# Filling ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("{who} naps.", {"who": "khugepaged"}, "khugepaged naps."),
        ("{pages|page|pages} moved", {"pages": 1}, "1 page moved"),
        ("{pages|page|pages} moved", {"pages": 0}, "0 pages moved"),
        ("{pages|page|pages} moved", {"pages": 12}, "12 pages moved"),
        ("{Window} is huge, {window}", {"window": "window 3"}, "Window 3 is huge, window 3"),
        ("{Page} is mapped", {"page": 7}, "7 is mapped"),
        ("{max_none} may be", {"max_none": 511}, "511 may be"),
        ("no hole", {"more": 1}, "no hole"),
    ],
)  # fmt: skip
def test_a_text_is_filled(text: str, values: dict[str, int | str], filled: str) -> None:
    assert fill(text, values) == filled


def test_the_value_of_a_hole_is_not_filled_again() -> None:
    assert fill("{who} and {mm}", {"who": "{mm}", "mm": "app"}) == "{mm} and app"


def test_holes_are_named_once_in_their_order() -> None:
    assert holes("{Window} of {mm}: {none|is|are} empty, {window}") == ("window", "mm", "none")


def test_a_sentence_needs_a_value_for_each_hole() -> None:
    template = Template("trial", "{who} reads {window}.", Rank.DETAIL)
    told = template.tell(who="a", window="window 1", entries=512)
    assert told.sentence == "a reads window 1."
    assert told.values["entries"] == 512
    with pytest.raises(KeyError, match="trial: no value for window"):
        template.tell(who="a")


def test_no_two_templates_have_one_kind() -> None:
    kind = next(iter(TEMPLATES))
    with pytest.raises(ValueError, match=f"two templates are called '{kind}'"):
        detail(kind, "Again.")


# Lint -------------------------------------------------------------------------------------------------


@EVERY
def test_no_number_is_typed(template: Template) -> None:
    assert not re.search(r"\d", without_holes(template.text))


@EVERY
def test_no_lock_is_typed(template: Template) -> None:
    """A lock's name is a value: it says which process or which table the lock belongs to."""
    assert not [name for name in LOCKS if name in template.text]


@EVERY
def test_a_sentence_ends_and_begins_as_one(template: Template) -> None:
    assert template.text.endswith(".")
    first = template.text[0]
    assert (
        first.isupper() or first == "{" or template.text.startswith(("khugepaged ", "kcompactd ", "kswapd "))
    )
    assert "  " not in template.text


@EVERY
def test_whoever_does_it_has_a_name(template: Template) -> None:
    assert not re.search(r"\b(some|any|every)(body|one)\b|\bnobody\b", template.text, re.IGNORECASE)


@EVERY
def test_a_sentence_is_neither_an_order_nor_a_heading(template: Template) -> None:
    """Who does it, then what: not *Take the lock*, and not *Rollback: all goes back*."""
    assert not re.match(r"\w+: ", template.text)
    orders = "Clear Collapse Copy Fill Free Isolate Lock Look Make Put Read Release Scan Set Take Unlock Wake"
    assert template.text.split()[0] not in orders.split()


def test_verdicts_speak_of_one_result_each() -> None:
    texts = [template.text for template in VERDICTS.values()]
    assert len(set(texts)) == len(texts)


def test_every_template_is_told_by_a_teller() -> None:
    """A template that is bound to a name is used besides; the others stand in a table that is."""
    for module in TELLERS:
        tree = ast.parse(inspect.getsource(module))
        names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
        loaded = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        for name, value in vars(module).items():
            if isinstance(value, Template) and value.kind not in _of_others(module.__name__):
                assert name in loaded, f"{module.__name__}.{name} is told nowhere"


def _of_others(module: str) -> set[str]:
    """The kinds of templates that other modules make."""
    return {
        each.kind
        for other in TELLERS
        if other.__name__ < module
        for each in vars(other).values()
        if isinstance(each, Template)
    }


def test_no_sentence_hangs_on_a_line_number() -> None:
    """Only the narrator looks for the heads of loops; tellers ask for variables."""
    for path in Path(story.__file__).parent.glob("*.py"):
        if path.name != "narrate.py":
            names = {
                node.attr
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Attribute)
            }
            assert not names & {"f_lineno", "lineno", "co_firstlineno", "line"}, path.name
