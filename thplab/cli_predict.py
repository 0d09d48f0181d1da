"""thplab predict: what a kernel does with each scenario in a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

from thplab.cli_errors import kernel_option, unusable

__all__ = ["EXAMPLES", "SAYS", "arguments"]

SAYS = "predict what a kernel does with each scenario in a file"

EXAMPLES = """Each line of FILE is {"scenario": ..., "before": ...} ('before' may be left out); each gets
one line of JSON on the output, in order: the steps and the photographs after them as the
recordings have them, or {"name", "unsupported"}, or {"name", "error"} (then the exit status is 1).

examples:
  thplab predict scenarios.jsonl              as 6.18 would
  thplab predict scenarios.jsonl --kernel 6.1
  grep pin scenarios.jsonl | thplab predict -"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Give the sub-command's parser its arguments."""
    parser.add_argument("file", help="lines of JSON, or - for the standard input")
    kernel_option(parser)
    parser.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> int:
    from thplab.kernels import profile

    try:
        profile(options.kernel)
    except ValueError as error:
        return unusable(str(error))
    if options.file == "-":
        return _answer(sys.stdin.buffer, options.kernel)
    try:
        with open(options.file, "rb") as lines:
            return _answer(lines, options.kernel)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return unusable(f"{options.file}: {reason}")


def _answer(lines: Iterable[bytes], kernel: str) -> int:
    from thplab.scenario.predict import predict_lines

    status = 0
    for answer in predict_lines(lines, kernel):
        print(json.dumps(answer), flush=True)
        if "error" in answer:
            status = 1
    return status
