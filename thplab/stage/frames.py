"""Call frames of a recording and their local variables: the twin of frames.js."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from thplab.points import ENTRY
from thplab.recording import Recording
from thplab.recording.cells import ABSENT, INTEGER
from thplab.stage.lanes import Lanes

__all__ = ["Frames"]


class Frames:
    """What can be said about the frames of a recording without its state."""

    def __init__(self, recording: Recording) -> None:
        """Those of ``recording``."""
        self.recording = recording
        self.header, self.sections = recording.header, recording.sections

    @cached_property
    def lanes(self) -> Lanes:
        """Who runs and who holds which lock."""
        return Lanes(self.recording)

    @cached_property
    def _records(self) -> dict[int, dict[int, tuple[list[int], list[int]]]]:
        """Frame -> number of a variable's name -> moments at which it was set, and the records of that."""
        found: dict[int, dict[int, tuple[list[int], list[int]]]] = {}
        names, owner, begin = self.sections["l_name"], self.sections["m_frame"], 0
        for moment, end in enumerate(self.sections["m_locals_end"]):
            for record in range(begin, end):
                moments, records = found.setdefault(owner[moment], {}).setdefault(names[record], ([], []))
                moments.append(moment)
                records.append(record)
            begin = end
        return found

    def name_of(self, frame: int) -> str:
        """The kernel's name of the function where it has one, else ours."""
        labels = self.header["labels"][self.sections["f_labels"][frame]]
        name: str = (
            labels[0][0] if labels else self.header["functions"][self.sections["f_function"][frame]]["name"]
        )
        return name

    def locals_text(self, frame: int, step: int) -> list[str]:
        """All local variables: ``name = value``; ``index`` first, then those that vary."""
        rows = []
        for number, (moments, records) in self._records.get(frame, {}).items():
            known, name = bisect_right(moments, step), self.header["names"][number]
            record = records[known - 1]
            if not known or name.startswith("_") or self.sections["l_kind"][record] == ABSENT:
                continue
            rank = 0 if name == ENTRY else 1 if len(moments) > 1 else 2
            rows.append((rank, f"{name} = {self._text(record, name)}"))
        return [text for _, text in sorted(rows, key=lambda row: row[0])]

    def _text(self, record: int, name: str) -> str:
        kind, lo, hi = (self.sections[column][record] for column in ("l_kind", "l_lo", "l_hi"))
        if kind == INTEGER:
            return f"{lo | hi << 32:#x}" if hi or name.endswith("pfn") else str(lo)
        value = self.header["values"][lo]
        if value is None or isinstance(value, str):
            return "None" if value is None else f'"{value}"'
        if isinstance(value, int):
            return str(value)
        if "enum" in value:
            return str(value["enum"])
        return f"<{self.header['objects'][value['ref']]['label']}>" if "ref" in value else "(...)"
