"""Writing a file: whole or not at all. Every output of the package and of its tools goes through here.

The bytes go into a file beside the old one, reach the disk, and then take its name. Until then the old file
is as it was: a full disk, a signal or a crash leaves either the old one or the new one.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path

_ENDING = ".part"
#: What a process that was killed has left beside is no longer being written after so long.
_ABANDONED = 3600  # seconds


def write_file(path: str | Path, content: str | bytes) -> None:
    """Make ``content`` what is in the file; text is written as UTF-8, with the line ends that it has.

    A link stays, and the file that it leads to is replaced; a device or a pipe is written to.
    OSError, which names ``path``, if that can't be done: what was there is unchanged.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        target = Path(os.path.realpath(path))
        mode = target.stat().st_mode if target.exists() else None
        if mode is None or stat.S_ISREG(mode):
            _replace(target, data, mode)
        else:
            with open(target, "wb", buffering=0) as device:
                _all(device.fileno(), data)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    _sweep(target)
    # A name of its own each time: two that write the same file at once do not meet, the later one stays.
    beside = target.with_name(f"{_beginning(target)}{secrets.token_hex(8)}{_ENDING}")
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        try:
            if mode is not None:
                beside.chmod(stat.S_IMODE(mode))
            _all(number, data)
            os.fsync(number)
        finally:
            os.close(number)
        beside.replace(target)
    except BaseException:  # a signal as well
        with suppress(OSError):
            beside.unlink()
        raise
    _flush_folder(target.parent)


def _all(number: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(number, rest) :]


def _beginning(target: Path) -> str:
    return f".{target.name[:60]}."  # short enough for any file system


def _sweep(target: Path) -> None:
    """Take away what a process left beside when it was killed."""
    with suppress(OSError):
        for found in target.parent.iterdir():
            if found.name.startswith(_beginning(target)) and found.name.endswith(_ENDING):
                with suppress(OSError):
                    if time.time() - found.stat().st_mtime > _ABANDONED:
                        found.unlink()


def _flush_folder(folder: Path) -> None:
    """Make the new name last, where a folder can be flushed."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
