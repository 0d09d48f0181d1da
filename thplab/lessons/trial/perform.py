"""One run of a student's code: compile it, run it, hold its function against cases. Every end has words."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import CodeType
from typing import Any

from thplab.lessons.trial import words
from thplab.lessons.trial.job import Checker, Job, Outcome, Wrong
from thplab.lessons.trial.parse import compiled, unparsed


class Expired(BaseException):
    """The guard in this process ends the run: its time is over."""


def perform(job: Job, checker: Checker, guard: AbstractContextManager[None] | None = None) -> Outcome:
    """What came of the job. Built-ins that the code has replaced are put back.

    ``guard`` is around the code and nothing else: it may raise ``Expired`` in whatever runs.
    """
    try:
        tree, code = compiled(job.source)
    except Exception as error:
        return Outcome(unparsed(job.source, error), valid=False)
    first = _first_line(tree, job.function)
    if first is None:
        return Outcome(f"there is no function {job.function}; begin with: {job.begins}", valid=False)
    return _performed(job, code, first, checker, guard or nullcontext())


def _first_line(tree: ast.Module, function: str) -> int | None:
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    return found[-1].lineno if found else None


def _performed(
    job: Job, code: CodeType, first: int, checker: Checker, guard: AbstractContextManager[None]
) -> Outcome:
    put_back, any_error = _kept_builtins(), BaseException
    error: BaseException | None = None
    said = ""
    with guard:
        try:
            said = _check(job, code, checker)
        except Wrong as wrong:
            said = str(wrong)
        except any_error as other:
            error = other
        replaced = put_back()  # before anything else: what follows needs them
    if isinstance(error, Expired):
        return Outcome(words.too_long(job.source, words.line_of(error), job.limits))
    if replaced:
        return Outcome(words.replaced(job.source, min(replaced, key=_first_public)))
    if error is not None:
        return Outcome(words.raised(job.source, error, first, job.limits))
    return Outcome(words.plain(words.brief(said, 2000)))


def _first_public(name: str) -> tuple[bool, str]:
    return name.startswith("_"), name


def _check(job: Job, code: CodeType, checker: Checker) -> str:
    space: dict[str, Any] = {"__name__": "answer"}
    exec(code, space)  # noqa: S102 - what this room is for
    function = space.get(job.function)
    if not callable(function):
        raise Wrong(f"At the end {job.function} is no function, but {words.shown(function)}.")
    return checker(function, *job.args)


def _kept_builtins() -> Callable[[], list[str]]:
    """A function that puts the built-ins back and lists those that were not the same.

    It calls methods only that were looked up before: there may be no built-in left.
    """
    table = vars(builtins)
    before = table.copy()
    copied, update, items, had, took = table.copy, table.update, before.items, before.__contains__, table.pop

    def put_back() -> list[str]:
        after = copied()
        update(before)
        for name in after:
            if not had(name):
                took(name)
        return [name for name, value in items() if name not in after or after[name] is not value]

    return put_back
