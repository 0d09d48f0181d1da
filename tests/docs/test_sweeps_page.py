"""The code on the page about costs, sweeps and figures runs as it stands there."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from thplab.ledger import SHAPE

PAGE = Path(__file__).parents[2] / "docs/sweeps.md"


def test_the_code_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        for block in blocks:
            exec(block, names)
    assert len(blocks) == 4
    assert said.getvalue().count(SHAPE) >= 3
    assert "max_ptes_none" in said.getvalue()
    assert (tmp_path / "reach.png").stat().st_size > 10_000


def test_every_sweep_and_room_is_named() -> None:
    import thplab.sweeps

    text = PAGE.read_text(encoding="utf-8")
    for name in thplab.sweeps.__all__:
        if name.endswith("_sweep"):
            assert f"`{name}`" in text
