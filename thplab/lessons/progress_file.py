"""What a reader has answered so far: kept in one local file, shown as a table.

No account and no network: question, seed, how often and what was tried, and the misconceptions that
were recognised. A file that can't be read or written never disturbs a notebook.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from thplab.lessons.kinds.question import Verdict
from thplab.table import Table

#: The file to use; ``off`` keeps nothing.
ENVIRONMENT = "THPLAB_PROGRESS"
_VERSION = 1


def progress_file() -> Path | None:
    """Where progress is kept; None if it is switched off."""
    wanted = os.environ.get(ENVIRONMENT, "")
    if wanted == "off":
        return None
    return (
        Path(wanted) if wanted else user_data_path("thplab", appauthor=False, roaming=True) / "progress.json"
    )


def note(name: str, seed: int, given: str, verdict: Verdict, *, predicted: bool = False) -> None:
    """Add an answer. With a verdict whose ``right`` is None the answer was looked up.

    A prediction is kept, and neither right nor wrong.
    """
    try:
        kept = _load()
        entry = kept.setdefault(f"{name} {seed}", _new())
        if predicted:
            entry["predicted"] = given
        elif verdict.right is None:
            entry["looked"] = True
        elif not entry["right"]:
            entry["tries"] += 1
            entry["right"] = verdict.right
        if verdict.tag:
            entry["tags"][verdict.tag] = entry["tags"].get(verdict.tag, 0) + 1
        _save(kept)
    except OSError:
        return  # unwritable: a lesson goes on without it


def _new() -> dict[str, Any]:
    return {"tries": 0, "right": False, "looked": False, "predicted": "", "tags": {}}


def progress() -> Table:
    """What was answered, notebook by notebook."""
    entries = _load()
    rows = [_row(notebook, list(group)) for notebook, group in _by_notebook(entries)]
    where = progress_file()
    caption = f"Kept in {where}." if where else f"Nothing is kept: {ENVIRONMENT} is off."
    heads = ("notebook", "predicted", "answered", "right", "at once", "looked up", "think again about")
    return Table.of(heads, rows, caption if rows else f"Nothing has been answered yet. {caption}")


def forget() -> None:
    """Begin anew: take the file away."""
    where = progress_file()
    if where is not None:
        where.unlink(missing_ok=True)


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


def _load() -> dict[str, Any]:
    """What is kept; nothing if there is no file, or one that is not ours."""
    where = progress_file()
    try:
        data = json.loads(where.read_text(encoding="utf-8")) if where is not None else {}
        answers = data["answers"] if data and data["version"] == _VERSION else {}
        return {name: entry for name, entry in answers.items() if _sound(entry)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _sound(entry: Any) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(key), type(value)) for key, value in _new().items()
    )


def _save(kept: Mapping[str, Any]) -> None:
    """Put the whole file in place at once, so that two notebooks never leave half a file."""
    where = progress_file()
    if where is None:
        return
    where.parent.mkdir(parents=True, exist_ok=True)
    beside = where.with_name(f"{where.name}.{os.getpid()}")
    beside.write_text(json.dumps({"version": _VERSION, "answers": kept}, indent=1), encoding="utf-8")
    beside.replace(where)
