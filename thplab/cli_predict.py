"""thplab predict: what a kernel does with each scenario in a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from thplab.cli_errors import kernel_option, unusable

SAYS = "predict what a kernel does with each scenario in a file"

EXAMPLES = """FILE holds JSON objects, on one line each or over several: scenarios (docs/scenario-format.md),
or {"scenario": ..., "before": ...} with photographs of a real kernel. Each gets one line of JSON on the
output, in order: what the steps did and the photographs after them, or {"name", "unsupported"}, or
{"name", "error"} (then the exit status is 1).

examples:
  thplab predict scenarios.jsonl              as 6.18 would
  thplab predict scenarios.jsonl --kernel 6.1
  grep pin scenarios.jsonl | thplab predict -"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Give the sub-command's parser its arguments."""
    parser.add_argument("file", help="scenarios as JSON, or - for the standard input")
    kernel_option(parser)
    parser.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> int:
    from thplab.kernels import profile

    try:
        profile(options.kernel)
    except ValueError as error:
        return unusable(str(error))
    if options.file == "-":
        if sys.stdin is None:
            return unusable("standard input is closed")
        return _answer(_lines(sys.stdin.buffer, "standard input"), options.kernel, "standard input")
    try:
        file = open(options.file, "rb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        return unusable(f"{options.file}: {getattr(error, 'strerror', None) or error}")
    with file:
        return _answer(_lines(file, options.file), options.kernel, options.file)


def _lines(file: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Its lines; an error in reading them has its name, while one in printing answers has none."""
    try:
        yield from file
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from error


def _answer(lines: Iterable[bytes], kernel: str, file: str) -> int:
    from thplab.scenario.predict import predict_lines

    status = 0
    for answer in predict_lines(lines, kernel, file):
        print(json.dumps(answer), flush=True)
        if "error" in answer:
            status = 1
    return status
