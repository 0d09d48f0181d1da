"""What a reader has answered so far: kept in one local file, shown as a table.

No account and no network: question, seed, how often and what was tried, and the misconceptions that
were recognised. A file that can't be read or written never disturbs a notebook: an answer that finds no room
in it waits in this kernel, and is written with the next one or when the kernel ends.
"""

from __future__ import annotations

import atexit
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from thplab.lessons.kept import NEW, Answers, Unusable, read, set_aside, update
from thplab.lessons.kinds.question import Verdict
from thplab.table import Table

#: The file to use; ``off`` keeps nothing.
ENVIRONMENT = "THPLAB_PROGRESS"


@dataclass(frozen=True, slots=True)
class _Answer:
    """``key``: question and seed. With ``right`` None it was looked up."""

    key: str
    given: str
    right: bool | None
    tag: str
    predicted: bool

    def add_to(self, kept: Answers) -> None:
        entry = kept.setdefault(self.key, deepcopy(NEW))
        if self.predicted:
            entry["predicted"] = self.given
        elif self.right is None:
            entry["looked"] = True
        elif not entry["right"]:
            entry["tries"] += 1
            entry["right"] = self.right
        if self.tag:
            entry["tags"][self.tag] = entry["tags"].get(self.tag, 0) + 1


#: Answers of this kernel that are not in the file yet.
_waiting: list[_Answer] = []


def progress_file() -> Path | None:
    """Where progress is kept; None if it is switched off, or if there is no home folder to keep it in."""
    wanted = os.environ.get(ENVIRONMENT, "")
    if wanted:
        return None if wanted == "off" else Path(wanted)
    try:
        folder = user_data_path("thplab", appauthor=False, roaming=True)
    except (RuntimeError, KeyError, OSError):
        return None
    return folder / "progress.json" if folder.is_absolute() else None


def note(name: str, seed: int, given: str, verdict: Verdict, *, predicted: bool = False) -> None:
    """Add an answer. With a verdict whose ``right`` is None the answer was looked up.

    A prediction is kept, and neither right nor wrong.
    """
    if os.environ.get(ENVIRONMENT, "") == "off":
        return
    _waiting.append(_Answer(f"{name} {seed}", given, verdict.right, verdict.tag, predicted))
    _write_waiting()


@atexit.register
def _write_waiting() -> None:
    where = progress_file()
    if where is None or not _waiting:
        return
    count = len(_waiting)
    try:
        update(where, _add_waiting)
    except (OSError, ValueError, RuntimeError):
        return  # no room, no right, not our turn, no such name: a lesson goes on without it
    del _waiting[:count]


def _add_waiting(kept: Answers) -> None:
    for answer in _waiting:
        answer.add_to(kept)


def progress() -> Table:
    """What was answered, notebook by notebook."""
    entries, caption = _kept()
    _add_waiting(entries)
    rows = [_row(notebook, list(group)) for notebook, group in _by_notebook(entries)]
    heads = ("notebook", "predicted", "answered", "right", "at once", "looked up", "think again about")
    return Table.of(heads, rows, caption if rows else f"Nothing has been answered yet. {caption}")


def _kept() -> tuple[Answers, str]:
    """What is in the file, and a sentence on where that is and what is wrong with it."""
    where = progress_file()
    if where is None:
        if os.environ.get(ENVIRONMENT) == "off":
            return {}, f"Nothing is kept: {ENVIRONMENT} is off."
        return {}, f"Kept in this kernel only: no home folder is known. Set {ENVIRONMENT} to a file."
    try:
        answers, damage = read(where)
    except Unusable as problem:
        return {}, f"{where} is not used: {problem}. The next answer sets it aside and begins a new file."
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or problem
        return {}, f"Kept in this kernel only: {where} can't be used: {why}. Set {ENVIRONMENT} to a file."
    said = [f"Kept in {where}."]
    said += [f"P{damage[1:]}: the next answer sets a copy aside."] if damage else []
    aside = set_aside(where)
    said += (
        [f"What could not be used is beside it: {', '.join(path.name for path in aside)}."] if aside else []
    )
    said += [f"Not written yet: {len(_waiting)} answers of this kernel."] if _waiting else []
    return answers, " ".join(said)


def forget() -> None:
    """Begin anew: take the answers away. A file that is not ours stays."""
    _waiting.clear()
    where = progress_file()
    if where is None:
        return
    try:
        read(where)
        where.unlink(missing_ok=True)
    except (Unusable, OSError, ValueError) as problem:
        print(f"{where} stays: {getattr(problem, 'strerror', None) or problem}")


def _by_notebook(entries: Mapping[str, Any]) -> Iterator[tuple[str, Iterator[Any]]]:
    books = sorted({name.partition(".")[0] for name in entries})
    return (
        (book, (entry for name, entry in entries.items() if name.startswith(f"{book}."))) for book in books
    )


def _row(notebook: str, entries: list[Any]) -> tuple[object, ...]:
    tags: Counter[str] = Counter()
    for entry in entries:
        tags.update(entry["tags"])
    right = [entry for entry in entries if entry["right"] and not entry["looked"]]
    return (
        notebook,
        sum(bool(entry["predicted"]) for entry in entries),
        sum(entry["tries"] > 0 for entry in entries),
        len(right),
        sum(entry["tries"] == 1 for entry in right),
        sum(entry["looked"] for entry in entries),
        ", ".join(tag for tag, _ in tags.most_common(3)),
    )
