"""The command line: thplab lab, thplab trace, thplab doctor."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

import thplab
from thplab.host.doctor import doctor
from thplab.host.lab import lab

__all__ = ["main"]

_EXAMPLES = """examples:
  thplab lab                                  open the course in JupyterLab
  thplab trace note                           the trace lines of the collapse in the note
  thplab trace note --kernel 6.1 --backtrace  and who called whom, as gdb shows it
  thplab doctor                               what this computer can run"""


class _Parser(argparse.ArgumentParser):
    """Errors are one line, with near matches, and exit status 2."""

    def error(self, message: str) -> NoReturn:
        if "invalid choice" in message:
            message = self._with_near_match(message)
        self.exit(2, f"thplab: {message}\n")

    def _with_near_match(self, message: str) -> str:
        head, _, rest = message.partition(" (choose from ")
        given = head.rsplit("'", 2)[-2] if "'" in head else ""
        known = [word.strip(" '\")") for word in rest.split(",")]
        near = get_close_matches(given, known, n=1, cutoff=0.4)
        return f"{head.replace('invalid choice', 'unknown')}" + (
            f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
        )


def _trace(options: argparse.Namespace) -> int:
    """Print the trace lines of a scenario and, if asked, the backtrace at the huge page's birth."""
    from thplab.recording import backtrace, record_scenario

    try:
        recording = record_scenario(options.scenario, options.kernel, depth="functions")
    except ValueError as error:
        print(f"thplab: {error}", file=sys.stderr)
        return 2
    window = [line for line in recording.header["trace"] if "isolate" in line["event"]]
    lines = [line["text"] for line in recording.header["trace"]]
    for line in lines[:3] if window else lines[:1]:
        print(line)
    if options.backtrace:
        obtained = recording.find_call("page_rmappable_folio")
        if obtained is None:
            print("thplab: no huge page was allocated, so there is no backtrace of it", file=sys.stderr)
            return 1
        print()
        print("\n".join(backtrace(recording, obtained)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="thplab",
        description="A model of Linux transparent huge pages to step through.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"thplab {thplab.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    open_lab = commands.add_parser(
        "lab", help="open the course in JupyterLab", epilog="example: thplab lab --port 9000"
    )
    open_lab.add_argument("notebook", nargs="?", default="00-start-here.ipynb", help="which notebook to open")
    open_lab.add_argument("--port", type=int, default=8888, help="first port to try (default 8888)")
    open_lab.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    open_lab.set_defaults(run=lambda o: lab(o.notebook, o.port, browser=not o.no_browser))

    trace = commands.add_parser(
        "trace",
        help="run a scenario on the model and print its trace lines",
        epilog="example: thplab trace note --kernel 6.1 --backtrace",
    )
    trace.add_argument("scenario", help="name of a scenario, e.g. note")
    trace.add_argument("--kernel", default="6.18", help="kernel profile: 6.18 (default) or 6.1")
    trace.add_argument(
        "--backtrace", action="store_true", help="also print the stack at the huge page's allocation"
    )
    trace.set_defaults(run=_trace)

    check = commands.add_parser(
        "doctor", help="say what this computer can run", epilog="example: thplab doctor"
    )
    check.set_defaults(run=lambda _: doctor())
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Unusable arguments: one line on stderr and status 2."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
