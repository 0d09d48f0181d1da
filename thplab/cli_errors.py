"""What the commands share: the option --kernel, and what they say when a name or a value is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from thplab.kernels import DEFAULT, PROFILES
from thplab.words import did_you_mean

#: What a command says of its argument.
SCENARIO = "name of a scenario, e.g. note, or a file with one (FILE#2: the second of several)"

_SHOWN = 20


def kernel_option(parser: argparse.ArgumentParser) -> None:
    """Which kernel a command runs: a profile's name."""
    names = ", ".join(PROFILES)
    parser.add_argument(
        "--kernel", default=DEFAULT.name, help=f"kernel profile: {names} (default: {DEFAULT.name})"
    )


def hint(given: str, known: Iterable[str]) -> str:
    """`` (did you mean x?)``, or the first known names if none is near."""
    known = list(known)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return did_you_mean(given, known) or f"; known: {', '.join(known[:_SHOWN])}{more}"


def print_path(path: str | Path) -> None:
    """Say where something was written, even if its name has letters that the output can't have."""
    known = sys.stdout.encoding or "utf-8"
    print(str(path).encode(known, "backslashreplace").decode(known))


def unusable(message: str) -> int:
    """Say it in one line on the standard error; the exit status, 2."""
    print(f"thplab: {message}", file=sys.stderr)
    return 2
