"""A source that Python can't read: which line it is, and why."""

from __future__ import annotations

import ast
import warnings
from types import CodeType

from thplab.lessons.trial.words import FILE, brief, place, plain


def compiled(source: str) -> tuple[ast.Module, CodeType]:
    """Tree and code. Raises whatever Python raises for what it can't read, which is not SyntaxError alone."""
    tree = ast.parse(source, FILE)
    return tree, compile(tree, FILE, "exec", dont_inherit=True)


def unparsed(source: str, error: Exception) -> str:
    """Why a source can't be compiled."""
    if "\0" in source:
        return _at(source, _line(source, source.index("\0")), "it holds a null character, which no code can")
    if isinstance(error, SyntaxError):
        return _at(source, error.lineno, str(error.msg))
    if isinstance(error, UnicodeError):
        half = next(n for n, letter in enumerate(source) if "\ud800" <= letter <= "\udfff")
        return _at(source, _line(source, half), "it holds half a character, which no text can")
    if isinstance(error, RecursionError | MemoryError):
        return _at(source, _deepest(source), "too much is nested in one expression")
    return f"Python can't read it: {plain(brief(str(error)))}"


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


def _deepest(source: str) -> int | None:
    """The line with which it becomes too deep; unfinished as the source is there, that is another error."""
    lines = source.split("\n")
    for number in range(1, len(lines) + 1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they have been told
                compiled("\n".join(lines[:number]))
        except (RecursionError, MemoryError):
            return number
        except Exception:  # noqa: S112 - see above
            continue
    return None


def _at(source: str, line: int | None, what: str) -> str:
    where = place(source, line, "line").rstrip(",")
    return f"{where}: {plain(brief(what))}" if where else plain(brief(what))
