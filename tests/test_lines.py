"""Counting lines of code: what is a line, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lines import lines_of_code

PYTHON = '''"""A module.

Of two paragraphs.
"""

# A comment.
TEXT = """two
lines"""  # and a comment behind


def function(
    one: int,
) -> None:
    """What it does."""
    ...
'''
JAVASCRIPT = """/** A module,
 *  in two lines. */
// A comment.
const text = "/* no comment", other = '// nor this';

const shape = `two /*
lines */`; // behind
/* before */ run();
"""


@pytest.mark.parametrize(("name", "text", "lines"), [("a.py", PYTHON, 6), ("a.js", JAVASCRIPT, 4)])
def test_comments_docstrings_and_blank_lines_do_not_count(
    name: str, text: str, lines: int, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    assert lines_of_code(tmp_path / name) == lines
