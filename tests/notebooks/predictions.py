"""The predictions of the notebooks, by name and seed."""

from __future__ import annotations

import re
from pathlib import Path

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
_CALL = re.compile(r'predict\(\\"([^"\\]+)\\"(?:, seed=(\d+))?')
PREDICTIONS = sorted({
    (name, int(seed or 0)) for path in NOTEBOOKS for name, seed in _CALL.findall(path.read_text("utf-8"))
})  # fmt: skip
#: An order of things can't be bet on by one letter.
ORDERS = {"10.price"}
#: All others are bets on the stage.
VOTES = [(name, seed) for name, seed in PREDICTIONS if name not in ORDERS]
