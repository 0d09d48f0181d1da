"""The file that answers are kept in: one kernel writes at a time, and nothing that is not ours is lost.

A file that can't be used (damaged, foreign, of a newer thplab, unreadable) is set aside, whole, before one of
our own takes its name. Answers of a file that is damaged in places are kept as far as they are sound.
"""

from __future__ import annotations

import json
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from thplab.files import write_file

_VERSION = 1
_LARGEST = 64 << 20  # bytes: years of answers have one of them
_PATIENCE = 3.0  # seconds that an answer waits for another kernel; then it is kept with the next one
_LOOKS_EVERY = 0.005  # seconds

Entry = dict[str, Any]
Answers = dict[str, Entry]

NEW: Entry = {"tries": 0, "right": False, "looked": False, "predicted": "", "tags": {}}


class Unusable(Exception):
    """The file can't be used, and can be set aside; says why."""


class NoFile(OSError):
    """The name leads to something that is no file: it stays as it is."""


def read(where: Path) -> tuple[Answers, str]:
    """The sound answers in a file, none if there is no file, and what is wrong with the others.

    Unusable for a file that is not ours; NoFile or OSError where there can't be one.
    """
    try:
        if not stat.S_ISREG(where.stat().st_mode):
            raise NoFile(f"{where} is no file")
        if where.stat().st_size > _LARGEST:
            raise Unusable("it is too large to be a file of answers")
        data = json.loads(where.read_bytes())
    except FileNotFoundError:
        return {}, ""
    except PermissionError:
        raise Unusable("it can't be read") from None
    except (ValueError, RecursionError, MemoryError):
        raise Unusable("it is damaged, or of another program") from None
    answers = data.get("answers") if isinstance(data, dict) else None
    if not isinstance(answers, dict) or type(data.get("version")) is not int:
        raise Unusable("it is of another program")
    if data["version"] != _VERSION:
        raise Unusable(f"it has version {data['version']}, while this thplab keeps version {_VERSION}")
    sound = {name: entry for name, entry in answers.items() if _sound(name, entry)}
    whole = len(sound) == len(answers) and set(data) == {"version", "answers"}
    return sound, "" if whole else "parts of it are damaged"


def _sound(name: str, entry: Any) -> bool:
    question, _, seed = name.partition(" ")
    named = all(question.partition(".")) and seed.removeprefix("-").isdecimal()
    typed = isinstance(entry, dict) and all(type(entry.get(key)) is type(NEW[key]) for key in NEW)
    counts = (entry["tries"], *entry["tags"].values()) if typed else (-1,)
    return named and all(type(count) is int and 0 <= count < 1 << 53 for count in counts)


def update(where: Path, change: Callable[[Answers], None]) -> None:
    """Change the answers, one kernel after the other. OSError if that can't be done, or not soon."""
    where = Path(os.path.realpath(where))
    where.parent.mkdir(parents=True, exist_ok=True)
    with _turn(where):
        try:
            answers, damage = read(where)
        except Unusable:
            answers, damage = {}, "all of it"
        if damage:
            _set_aside(where)
        change(answers)
        write_file(where, json.dumps({"version": _VERSION, "answers": answers}))


@contextmanager
def _turn(where: Path) -> Iterator[None]:
    """Alone with the file. The lock ends with the process that holds it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a browser the lock is a plain file: there is one kernel
        from filelock import FileLock
    with FileLock(where.with_name(f".{where.name[:60]}.lock"), timeout=_PATIENCE, poll_interval=_LOOKS_EVERY):
        yield


def _set_aside(where: Path) -> None:
    """Keep the file, as it is, under another name."""
    kept = set_aside(where)
    if any(path.samefile(where) for path in kept):
        return  # the disk was full when it was to be replaced
    aside = next(path for n in count(1) if not (path := _aside(where, n)).exists())
    try:
        os.link(where, aside)
    except OSError:  # not every file system can; then there is none of the name for a moment
        where.replace(aside)


def set_aside(where: Path) -> list[Path]:
    """The files that were set aside."""
    where = Path(os.path.realpath(where))
    begin = _aside(where, "").name
    try:
        return sorted(path for path in where.parent.iterdir() if path.name.startswith(begin))
    except OSError:
        return []


def _aside(where: Path, number: object) -> Path:
    return where.with_name(f"{where.name[:60]}.set-aside-{number}")
