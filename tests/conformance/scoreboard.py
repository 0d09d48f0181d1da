"""Print how many recorded runs the model agrees with: python -m tests.conformance.scoreboard [FILE ...]."""

from __future__ import annotations

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.conformance.captures import FILES, Row, rows
from tests.conformance.compare import differences
from tests.conformance.exclusions import reason_not_to_compare
from thplab.kernels import PROFILES
from thplab.scenario import Scenario, Unsupported
from thplab.scenario.start import run_scenario

__all__ = ["judge", "main"]


def judge(row: Row) -> tuple[str, list[str]]:
    """``agree``, ``disagree``, ``unsupported`` or ``excluded``, and why."""
    reason = reason_not_to_compare(row.kernel, row.name)
    if reason:
        return "excluded", [reason]
    try:
        seen = run_scenario(Scenario.from_data(row.scenario), row.kernel, before=row.observed["before"])
    except Unsupported as error:
        return "unsupported", [str(error)]
    found = differences(row, seen)
    return ("disagree" if found else "agree"), found


def _judge_safely(row: Row) -> tuple[str, list[str]]:
    try:
        return judge(row)
    except Exception as error:
        return "disagree", [f"{type(error).__name__}: {error}"]


def main(files: list[str]) -> None:
    """Judge the files (all, if none are named) and print the table and every disagreement."""
    for file in files or FILES:
        if FILES[file] not in PROFILES:
            print(f"{file:24} no profile {FILES[file]}")
            continue
        begin = time.perf_counter()
        with ProcessPoolExecutor(1) as pool:
            verdicts = list(pool.map(_judge_safely, rows(file), chunksize=32))
        counts = Counter(verdict for verdict, _ in verdicts)
        print(f"{file:24} {dict(counts)}  {time.perf_counter() - begin:.1f} s")
        for row, (verdict, why) in zip(rows(file), verdicts, strict=True):
            if verdict in ("disagree", "unsupported"):
                print(
                    f"  {verdict:12} {row.name:40} {why[0][:300]}"
                    + (f" (+{len(why) - 1})" if why[1:] else "")
                )


if __name__ == "__main__":
    main(sys.argv[1:])
