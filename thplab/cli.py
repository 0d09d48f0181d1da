"""The command line: lab, trace, predict, export, present, doctor. ``thplab COMMAND --help`` has examples."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import thplab
from thplab import cli_export, cli_predict, cli_present
from thplab.cli_ends import run
from thplab.cli_errors import SCENARIO, hint, kernel_option, unusable

if TYPE_CHECKING:
    from thplab.recording import Recording

_EXAMPLES = """examples:
  thplab lab                                  open the course in JupyterLab
  thplab trace note                           the trace lines of the collapse in the note
  thplab trace note --kernel 6.1 --backtrace  and who called whom, as gdb shows it
  thplab predict scenarios.jsonl              what a kernel does, one answer for each line
  thplab export note --html                   a page that steps through it without Python
  thplab present 05                           notebook 05 as slides, with live stages
  thplab doctor                               what this computer can run"""

_LAB_EXAMPLES = """examples:
  thplab lab                                  open the first notebook
  thplab lab 05-who-called-prep-transhuge-page.ipynb
  thplab lab --port 9000 --no-browser         serve on port 9000 and print the address"""

_TRACE_EXAMPLES = """examples:
  thplab trace note                           isolate, collapse, scan_pmd: the collapse in the note
  thplab trace note --kernel 6.1 --backtrace  and the call stack when its huge page was obtained
  thplab trace S07.none_411 --all             every trace line of another scenario
  thplab trace mine.json                      a scenario of your own: docs/scenario-format.md"""

_DOCTOR_EXAMPLES = """example:
  thplab doctor                               + fine, - not there, x needed and missing"""


class _Parser(argparse.ArgumentParser):
    """Errors are one line, with near matches, and exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"thplab: {self._explain(message)}\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Unlike argparse's own, says so when there is no room for it."""
        print(message, end="", file=file or sys.stderr)

    def _explain(self, message: str) -> str:
        if found := re.search(r"invalid choice: '([^']*)'", message):
            return f"no command {found[1]!r}{hint(found[1], self._words())}"
        if message.startswith("unrecognized arguments: "):
            word = message.removeprefix("unrecognized arguments: ").split()[0]
            if word.startswith("-"):
                return f"no option {word}{hint(word.partition('=')[0], self._options())}"
            return f"unexpected argument {word!r}; try --help"
        return f"{message}; try --help"

    def _commands(self) -> dict[str, argparse.ArgumentParser]:
        groups = (action for action in self._actions if isinstance(action, argparse._SubParsersAction))
        return {name: parser for group in groups for name, parser in group.choices.items()}

    def _words(self) -> list[str]:
        return list(self._commands())

    def _options(self) -> list[str]:
        actions = (action for parser in self._commands().values() for action in parser._actions)
        return sorted({option for action in actions for option in action.option_strings})


def _port(text: str) -> int:
    """A TCP port that any user may listen on."""
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid port; allowed: 1024 to 65535")
    return int(text)


def _lab(options: argparse.Namespace) -> int:
    from thplab.host.lab import lab

    return lab(options.notebook, options.port, browser=not options.no_browser)


def _doctor(_: argparse.Namespace) -> int:
    from thplab.host.doctor import doctor

    return doctor()


def _trace(options: argparse.Namespace) -> int:
    """Print the trace lines of a scenario and, if asked, the backtrace at the huge page's birth."""
    from thplab.points import RMAPPABLE
    from thplab.recording import RecordingTooLong, backtrace, record_scenario
    from thplab.scenario import Unsupported
    from thplab.scenario.files import find_scenario

    try:
        depth = "functions" if options.backtrace else "events"
        recording = record_scenario(find_scenario(options.scenario), options.kernel, depth)
    except (ValueError, RecordingTooLong, Unsupported) as error:
        return unusable(str(error))
    lines = recording.header["trace"] if options.all else _first_collapse(recording)
    for line in lines:
        print(line["text"])
    if not options.backtrace:
        return 0
    obtained = recording.find_call(RMAPPABLE)
    if obtained is None:
        print("thplab: no huge page was allocated, so there is no backtrace of it", file=sys.stderr)
        return 1
    print("\n" + "\n".join(backtrace(recording, obtained)))
    return 0


def _first_collapse(recording: Recording) -> list[dict[str, Any]]:
    """The trace lines of the first window that went into a collapse; all lines if none did."""
    lines: list[dict[str, Any]] = recording.header["trace"]
    begin = 0
    for number, line in enumerate(lines):
        if line["event"] == "mm_khugepaged_scan_pmd":  # the last line of an attempt
            attempt = lines[begin : number + 1]
            if any(line["event"] == "mm_collapse_huge_page" for line in attempt):
                return attempt
            begin = number + 1
    return lines


def _command(commands: Any, name: str, says: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=says,
        description=says[0].upper() + says[1:] + ".",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="thplab",
        description="A model of Linux transparent huge pages to step through.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"thplab {thplab.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    lab = _command(commands, "lab", "open the course in JupyterLab", _LAB_EXAMPLES)
    lab.add_argument("notebook", nargs="?", default="00-start-here.ipynb", help="which notebook to open")
    lab.add_argument("--port", type=_port, default=8888, help="first port to try (default 8888)")
    lab.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    lab.set_defaults(run=_lab)

    trace = _command(
        commands, "trace", "run a scenario on the model and print its trace lines", _TRACE_EXAMPLES
    )
    trace.add_argument("scenario", help=SCENARIO)
    kernel_option(trace)
    trace.add_argument(
        "--backtrace", action="store_true", help="also print the call stack at the huge page's allocation"
    )
    trace.add_argument(
        "--all", action="store_true", help="all trace lines, not only those of the first collapse"
    )
    trace.set_defaults(run=_trace)

    cli_predict.arguments(_command(commands, "predict", cli_predict.SAYS, cli_predict.EXAMPLES))

    cli_export.arguments(_command(commands, "export", cli_export.SAYS, cli_export.EXAMPLES))

    cli_present.arguments(_command(commands, "present", cli_present.SAYS, cli_present.EXAMPLES))

    doctor = _command(commands, "doctor", "check what this computer can run", _DOCTOR_EXAMPLES)
    doctor.set_defaults(run=_doctor)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Unusable arguments: one line on stderr and status 2."""

    def command() -> int:
        options = _parser().parse_args(arguments)
        status: int = options.run(options)
        return status

    return run(command)


if __name__ == "__main__":
    sys.exit(main())
