"""Make docs/glossary.md from ``thplab/data/glossary.json``: ``python -m tools.glossary``."""

from __future__ import annotations

from pathlib import Path

from thplab.files import write_file
from thplab.terms import terms

__all__ = ["TARGET", "page"]

TARGET = Path(__file__).parents[1] / "docs/glossary.md"

_HEAD = """# Glossary

In a notebook: `thplab.glossary("collapse")`; a Chinese term works too. Names of the kernel stay as
they are in both languages. This page is generated from `thplab/data/glossary.json`.

| term | meaning | 中文 |
| --- | --- | --- |
"""


def page() -> str:
    """The text of the page."""
    return _HEAD + "".join(f"| {each.term} | {each.meaning} | {each.zh} |\n" for each in terms())


if __name__ == "__main__":
    write_file(TARGET, page())
