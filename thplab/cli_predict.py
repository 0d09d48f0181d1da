"""thplab predict: what a kernel does with each scenario in a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import BinaryIO

from thplab.cli_errors import kernel_option, unusable
from thplab.limits import Limits

SAYS = "predict what a kernel does with each scenario in a file"

EXAMPLES = """FILE holds JSON objects, on one line each or over several: scenarios (docs/scenario-format.md),
or {"scenario": ..., "before": ...} with photographs of a real kernel. Each gets one line of JSON on the
output, in order: what the steps did and the photographs after them, or {"name", "unsupported"}, or
{"name", "error"} (then the exit status is 1). An error that begins with "not finished" is a scenario
that costs more than --steps or --memory allow; both count what the model does, not what the computer
takes for it, so the answer is the same everywhere.

examples:
  thplab predict scenarios.jsonl              as 6.18 would
  thplab predict scenarios.jsonl --kernel 6.1
  thplab predict scenarios.jsonl --steps 20000000
  grep pin scenarios.jsonl | thplab predict -"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Give the sub-command's parser its arguments."""
    parser.add_argument("file", help="scenarios as JSON, or - for the standard input")
    kernel_option(parser)
    limits = Limits()
    parser.add_argument(
        "--steps",
        type=_count,
        default=limits.steps,
        metavar="N",
        help=f"steps of the model that one scenario may take (default {limits.steps})",
    )
    parser.add_argument(
        "--memory",
        type=_count,
        default=limits.memory,
        metavar="MIB",
        help=f"memory that one scenario may keep, estimated (default {limits.memory} MiB)",
    )
    parser.set_defaults(run=_predict)


def _count(text: str) -> int:
    """A number from 1 to 10**12."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 13 and 1 <= int(text) <= 10**12):
        raise argparse.ArgumentTypeError(f"{text!r} is not accepted; allowed: 1 to 10**12")
    return int(text)


def _predict(options: argparse.Namespace) -> int:
    from thplab.kernels import profile

    try:
        profile(options.kernel)
    except ValueError as error:
        return unusable(str(error))
    if options.file == "-":
        if sys.stdin is None:
            return unusable("standard input is closed")
        return _answer(sys.stdin.buffer, options, "standard input")
    try:
        file = open(options.file, "rb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        return unusable(f"{options.file}: {getattr(error, 'strerror', None) or error}")
    with file:
        return _answer(file, options, options.file)


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Its lines; an error in reading them has its name, while one in printing answers has none.

    A line without an end comes in pieces that are too long to be accepted.
    """
    from thplab.scenario.files import LONGEST

    try:
        while line := file.readline(4 * LONGEST + 4):
            yield line
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from error


def _answer(lines: BinaryIO, options: argparse.Namespace, file: str) -> int:
    from thplab.scenario.predict import predict_lines

    status, limits = 0, Limits(options.steps, options.memory)
    for answer in predict_lines(_lines(lines, file), options.kernel, file, limits):
        print(json.dumps(answer), flush=True)
        if "error" in answer:
            status = 1
    return status
