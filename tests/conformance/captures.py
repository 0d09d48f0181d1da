"""The recorded runs of real kernels in tests/data/captures, row by row."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["FILES", "Row", "rows"]

_FOLDER = Path(__file__).parents[1] / "data" / "captures"

#: file (without .jsonl.gz) -> kernel it was recorded on
FILES = {
    "named": "6.18",
    "random-A": "6.18",
    "budget": "6.18",
    "6.1/named-and-random": "6.1",
    "6.12/named-and-random": "6.12",
    "7.3/named-and-random": "7.3",
    "7.3/budget": "7.3",
    "7.3/extra": "7.3",
}


@dataclass(frozen=True)
class Row:
    """One recorded run: the scenario as data, and what the kernel did."""

    file: str
    kernel: str
    scenario: dict[str, Any]
    observed: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.scenario["name"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.scenario.get("steps") or [self.scenario["action"]]

    def ops(self) -> list[dict[str, Any]]:
        """All ops of the set-up, those of children included."""
        procs = self.scenario.get("procs", [{"ops": self.scenario.get("ops", [])}])
        return [op for proc in procs for op in _flat(proc["ops"])]

    @property
    def uses_pageout(self) -> bool:
        return any(op.get("advice") == "pageout" for op in self.ops())


def _flat(ops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for op in ops for each in [op, *_flat(op.get("ops", []))]]


@cache
def rows(file: str) -> tuple[Row, ...]:
    """All rows of a file, e.g. ``"named"`` or ``"6.1/named-and-random"``."""
    text = gzip.decompress((_FOLDER / f"{file}.jsonl.gz").read_bytes()).decode()
    return tuple(
        Row(file, FILES[file], data["scenario"], data["observed"])
        for data in map(json.loads, text.splitlines())
    )
