"""thplab: a model of Linux transparent huge pages to step through, checked against real kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thplab.table import Table
    from thplab.terms import Term

__version__ = "0.1.0"

__all__ = ["glossary"]


def glossary(name: str | None = None) -> Term | Table:
    """What a word of the course means, in English and Chinese; without a name, all of them.

    Raises ValueError, with near matches, for a word that is not in the glossary.
    """
    from thplab import terms

    return terms.table() if name is None else terms.find(name)
