"""A kernel that has loaded what its first cell needs: while the reader reads, not while the reader waits.

Most of the time from a cell to its first picture is spent on imports. ``thplab lab`` and Binder start their
kernels with them done; a kernel that was started otherwise does them in its first cell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path

#: What Python runs when an interactive session starts; IPython and its kernels do as well.
PYTHONSTARTUP = "PYTHONSTARTUP"

#: What notebooks import from; their names are loaded when they are first asked for.
_PACKAGES = ("thplab.recording", "thplab.stage", "thplab.lessons")


def environment(present: Mapping[str, str]) -> dict[str, str]:
    """The variables with which kernels start warm; a start file of the user's own stays."""
    return {PYTHONSTARTUP: str(Path(__file__).parent / "startup.py"), **present}


def load() -> None:
    """Import, in a kernel only: a terminal of the same JupyterLab must not wait for it."""
    if "ipykernel" not in sys.modules:
        return
    # Where something is missing, the cell that needs it says what, and how to get it.
    with suppress(ImportError):
        for package in map(import_module, _PACKAGES):
            for name in package.__all__:
                getattr(package, name)


if __name__ == "__main__":
    print(environment(os.environ)[PYTHONSTARTUP])
