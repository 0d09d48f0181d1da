"""What the moments of a recording mean, worked out once, when it is made: columns that views only read."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from thplab.recording.derive.fields import Fields
from thplab.recording.derive.focus import derive_focus
from thplab.recording.derive.locals import read_locals
from thplab.recording.derive.spans import derive_spans
from thplab.recording.derive.stops import derive_stops

__all__ = ["derive"]


def derive(
    header: Mapping[str, Any], sections: Mapping[str, array[Any]]
) -> tuple[dict[str, Any], dict[str, array[Any]]]:
    """What is added to the header and to the sections of a recording: docs/recording-format.md."""
    fields, read = Fields(header, sections), read_locals(header, sections)
    windows, focus = derive_focus(header, sections, fields, read)
    lanes, spans = derive_spans(header, sections, fields)
    granularity, stops = derive_stops(header, sections)
    columns = focus | spans | stops
    return {"windows": windows, "lanes": lanes, "granularity": granularity}, columns
