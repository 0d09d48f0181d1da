"""A small table that reads well in a notebook and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Table:
    """``rows`` under ``heads``; ``caption`` is one sentence on how to read it."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    @classmethod
    def of(cls, heads: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> Table:
        """A table of anything that has a text."""
        return cls(tuple(heads), tuple(tuple(str(cell) for cell in row) for row in rows), caption)

    def column(self, head: str) -> tuple[str, ...]:
        """The cells below one head. ValueError if there is no such head."""
        index = self.heads.index(head)
        return tuple(row[index] for row in self.rows)

    def __str__(self) -> str:
        """The table in columns, for a terminal."""
        lines = [self.heads, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.heads))]
        text = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines]
        text.insert(1, "  ".join("-" * w for w in widths))
        return "\n".join([*text, *(["", self.caption] if self.caption else [])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook; the first column heads its row."""
        head = "".join(f'<th scope="col" style="{_HEAD}">{escape(cell)}</th>' for cell in self.heads)
        body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in self.rows)
        caption = f'<caption style="{_CAPTION}">{escape(self.caption)}</caption>' if self.caption else ""
        table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        return f'<table style="max-width:100%">{caption}{table}</table>'


#: A head is broken between words only: its longest word is as wide as the column must be.
_HEAD = "text-align:left;vertical-align:top"
_CELL = "text-align:left;vertical-align:top;overflow-wrap:anywhere"
_SHORT, _LONGEST_NAME = 16, 32
_CAPTION = "caption-side:bottom;text-align:left;padding-top:4px"


def _style(cell: str) -> str:
    """What is short stays on one line, and so does a name, which would be broken inside."""
    one_line = len(cell) < _SHORT or (" " not in cell and len(cell) <= _LONGEST_NAME)
    return _CELL + (";white-space:nowrap" if one_line else "")


def _cells(row: tuple[str, ...]) -> list[str]:
    """The first cell heads the row."""
    first, *rest = (f'style="{_style(cell)}">{escape(cell)}' for cell in row)
    return [f'<th scope="row" {first}</th>', *(f"<td {cell}</td>" for cell in rest)]
