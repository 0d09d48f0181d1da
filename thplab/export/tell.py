"""A run in words, moment by moment, for a terminal or a screen reader."""

from __future__ import annotations

from collections.abc import Iterator

from thplab.reading.text import TextTwin
from thplab.recording import Recording
from thplab.words import did_you_mean


def tell(recording: Recording, granularity: str = "event", step: int | None = None) -> Iterator[str]:
    """Lines of text: the run at each stop of a granularity, or one moment complete.

    A stop says where it is, what happened and why; trace lines and the window's entries are told when
    they are new. Raises ValueError for a granularity that there is not, IndexError for such a step.
    """
    known = recording.header["granularity"]
    if granularity not in known:
        hint = did_you_mean(granularity, known) or f"; known: {', '.join(known)}"
        raise ValueError(f"no granularity {granularity!r}{hint}")
    twin = TextTwin(recording)
    if step is not None:
        return iter(twin.text(step).split("\n"))
    section = known[granularity]
    stops = recording.sections[section] if section else range(len(recording))
    return _run(twin, list(stops))


def _run(twin: TextTwin, stops: list[int]) -> Iterator[str]:
    header = twin.recording.header
    yield f"{header['title']}, Linux {header['kernel']}: {header['story']}"
    yield f"{len(twin.recording)} moments; told at {len(stops)} of them."
    printed, window = 0, ""
    for stop in stops:
        yield ""
        yield from twin.moment(stop).head()
        lines = twin.recording.trace_lines(stop)
        yield from (line.strip() for line in lines[printed:])
        printed = len(lines)
        now = twin.window_text(stop)
        if now != window:
            yield f"Window: {now}"
        window = now
