"""``python -m benchmarks [--no-browser]``: measure, print."""

from __future__ import annotations

import argparse
import importlib.util
import platform
import sys

from benchmarks import khugepaged, memory, recording, scan
from benchmarks.report import show, show_table
from thplab.host.doctor import find_browser


def main() -> int:
    """Print every figure; those of the browser only where there is one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and print how.")
    parser.add_argument("--no-browser", action="store_true", help="leave out what needs Chromium")
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, {platform.machine()}; other programs' work is in the figures\n"
    )
    for figure in (*scan.figures(), *khugepaged.figures(), *memory.figures(), *recording.figures()):
        show(figure)
    if options.no_browser:
        return 0
    needed = ("playwright", "jupyterlab")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing or find_browser() is None:
        print(f"not measured, for want of {', '.join(missing) or 'Chromium'}: the stage in the browser")
        return 0
    from benchmarks import long_recording, scenes, stage

    print("")
    show_table("Script of a key press with a scene open, CPU time (! is over the limit)", scenes.presses())
    show_table("A key held with a scene open, 30 times a second", scenes.held_keys())
    show_table("To the first picture", scenes.first_pictures())
    print("")
    for figure in (*stage.figures(), *long_recording.figures()):
        show(figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
