"""Moments by name."""

from __future__ import annotations

from thplab.recording import Recording
from thplab.recording.tracer import CALL


def named_moments(recording: Recording) -> dict[str, int]:
    """Trace event or function (the model's name and the kernel's) -> its first moment."""
    header, sections = recording.header, recording.sections
    found: dict[str, int] = {}
    printed = 0
    for number, (kind, frame, end) in enumerate(
        zip(sections["m_kind"], sections["m_frame"], sections["m_trace_end"], strict=True)
    ):
        for line in header["trace"][printed:end]:
            found.setdefault(line["event"], number)
        printed = end
        if kind == CALL:
            found.setdefault(header["functions"][sections["f_function"][frame]]["name"], number)
            for name, _ in header["labels"][sections["f_labels"][frame]]:
                found.setdefault(name, number)
    return found
