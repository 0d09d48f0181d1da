"""Calls (frames of the call stack) and their local variables: the twin of frames.js."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from thplab.points import ENTRY
from thplab.recording import Recording
from thplab.recording.cells import ABSENT, INTEGER


class Calls:
    """What can be said about the calls of a recording without its state; a call has a number: its frame."""

    def __init__(self, recording: Recording) -> None:
        """Those of ``recording``."""
        self.header, self.sections = recording.header, recording.sections

    @cached_property
    def _records(self) -> dict[int, dict[int, tuple[list[int], list[int]]]]:
        """Call -> number of a variable's name -> moments at which it was set, and the records of that."""
        found: dict[int, dict[int, tuple[list[int], list[int]]]] = {}
        names, owner, begin = self.sections["l_name"], self.sections["m_frame"], 0
        for moment, end in enumerate(self.sections["m_locals_end"]):
            for record in range(begin, end):
                moments, records = found.setdefault(owner[moment], {}).setdefault(names[record], ([], []))
                moments.append(moment)
                records.append(record)
            begin = end
        return found

    def name_of(self, call: int) -> str:
        """The kernel's name of the function where it has one, else ours."""
        labels = self.header["labels"][self.sections["f_labels"][call]]
        name: str = (
            labels[0][0] if labels else self.header["functions"][self.sections["f_function"][call]]["name"]
        )
        return name

    def locals_text(self, call: int, step: int) -> list[str]:
        """All local variables: ``name = value``; ``index`` first, then those that vary."""
        rows = []
        for number, (moments, records) in self._records.get(call, {}).items():
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
