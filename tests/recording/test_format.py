"""docs/recording-format.md names every section and every key of the header, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from thplab.ledger import Meter
from thplab.recording import Recording, record_scenario
from thplab.recording.file import FORMAT

TEXT = (Path(__file__).parents[2] / "docs/recording-format.md").read_text("utf-8")


def test_the_sections_are_those_described() -> None:
    made = record_scenario("S07.none_411", depth="functions", alongside=Meter)
    described = set(re.findall(r"`((?:cell|[a-z])_[a-z_]+)`", TEXT))
    assert described == made.sections.keys()
    assert f"This is format {FORMAT}:" in TEXT
    assert f"| `format` | {FORMAT} |" in TEXT


def test_every_key_is_described(note: Recording) -> None:
    known = TEXT.replace("`header.", "`")
    assert [name for name in note.header if f"`{name}`" not in known] == []
    assert [name for name in note.header["granularity"] if f"`{name}`" not in TEXT] == []
