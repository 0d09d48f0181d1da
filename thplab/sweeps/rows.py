"""Results: a list of dataclass rows that is a table and a CSV file, too."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from thplab.files import write_file
from thplab.table import Table

T = TypeVar("T")


class Rows(list[T]):
    """Rows of one dataclass, in the order of the sweep's points."""

    @property
    def heads(self) -> tuple[str, ...]:
        """The names of the columns; none if there are no rows."""
        return tuple(each.name for each in fields(self[0])) if self else ()  # type: ignore[arg-type]

    def column(self, head: str) -> list[Any]:
        """The values of one column. Raises ValueError if there is no such column."""
        if head not in self.heads:
            raise ValueError(f"no column {head!r}; there are {', '.join(self.heads)}")
        return [getattr(row, head) for row in self]

    def values(self) -> list[tuple[Any, ...]]:
        """Each row as a tuple."""
        return [tuple(getattr(row, head) for head in self.heads) for row in self]

    def csv(self) -> str:
        """The table as comma-separated values with a head line."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.heads)
        writer.writerows(self.values())
        return text.getvalue()

    def save_csv(self, path: str | Path) -> None:
        """Write it to a file."""
        write_file(path, self.csv())

    def table(self, caption: str = "") -> Table:
        """The table for people: numbers to four digits."""
        return Table.of(self.heads, [[_short(value) for value in row] for row in self.values()], caption)

    def __str__(self) -> str:
        """The table as text."""
        return str(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        return self.table()._repr_html_()


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
