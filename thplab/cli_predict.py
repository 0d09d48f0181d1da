"""thplab predict: what a kernel does with each scenario in a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable

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
        return _answer(sys.stdin.buffer, options.kernel, "standard input")
    try:
        with open(options.file, "rb") as lines:
            return _answer(lines, options.kernel, options.file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return unusable(f"{options.file}: {reason}")


def _answer(lines: Iterable[bytes], kernel: str, file: str) -> int:
    from thplab.scenario.predict import predict_lines

    status = 0
    for answer in predict_lines(lines, kernel, file):
        print(json.dumps(answer), flush=True)
        if "error" in answer:
            status = 1
    return status
