"""docs/recording-format.md names every section and every key of the header."""

from __future__ import annotations

from pathlib import Path

from thplab.recording import Recording

TEXT = (Path(__file__).parents[2] / "docs/recording-format.md").read_text("utf-8")


def test_every_section_and_key_is_described(note: Recording) -> None:
    names = [name for name in note.sections if not name.startswith("g_")]
    known = TEXT.replace("`header.", "`")
    missing = [name for name in (*names, *note.header) if f"`{name}`" not in known]
    assert missing == []
    assert [name for name in note.header["granularity"] if f"`{name}`" not in TEXT] == []
