"""The tool that renames things in the model: one rename that is noticed, and what it lists."""

from __future__ import annotations

import ast
from pathlib import Path

from tools.rename_check import MODEL, ROOT, Copy, _places_of_function, declared_locals, model_functions
from tools.rename_check import strings_that_name_functions as strings


def test_a_rename_is_noticed_and_taken_back(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    files = {path: path.read_text("utf-8") for path in (tmp_path / MODEL).rglob("*.py")}
    assert copy.rename_function("scan_pmd") == "import"
    path, function, name = next(each for each in declared_locals() if each[1:] == ("scan_pmd", "index"))
    assert copy.rename_local(path, function, name) == "import"
    assert {path: path.read_text("utf-8") for path in files} == files


def test_only_the_function_is_renamed() -> None:
    """Not a variable, a parameter or a module of the same name."""
    text = (
        "from thplab.mm import khugepaged\n"
        "def link(a):\n    return a\n"
        "def other(link):\n    return link\n"
        "def third(x):\n    return link(x.link)\n"
        '__all__ = ["link"]\n'
    )
    assert _places_of_function("link", ast.parse(text)) == {(2, 4), (7, 11), (8, 12)}


def test_strings_outside_the_model_that_name_a_function_are_words_of_another_kind() -> None:
    unknown = [(place, word) for place, word, kind in strings(ROOT) if kind == "?"]
    assert unknown == [], "refer to thplab/points.py, or say in tools/rename_check.py what the word is"
    assert len(model_functions(ROOT)) > 500
