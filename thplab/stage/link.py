"""A moment as a text that opens it again: the scenario, the kernel, and the moment's number."""

from __future__ import annotations

import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from thplab.recording import Recording, record_scenario
from thplab.recording.bounds import Unzip, check_json
from thplab.scenario import NAMED, Scenario

_SHAPE = re.compile(r"thplab:(?P<what>[\w.=-]+)@(?P<kernel>[\w.]+)/(?P<depth>\w+)#(?P<step>\d+)", re.ASCII)
#: Letters of a link; bytes of a scenario in it. A page of JSON has 4000.
_LONGEST, _LARGEST = 1 << 20, 1 << 22
_DATA = "data="  # begins a scenario that has no name of its own, packed


def link_text(recording: Recording, step: int | None = None) -> str:
    """``thplab:note@6.18/lines#120``; a scenario that is not one of thplab's own stands in it whole.

    Whatever a scenario draws by a seed has the seed in its data. Without ``step`` the text ends in ``#``.
    """
    header = recording.header
    raw, name = header["scenario"], header["title"]
    what = name if name in NAMED and NAMED[name].raw == raw else _DATA + _pack(raw)
    return f"thplab:{what}@{header['kernel']}/{header['depth']}#{'' if step is None else step}"


def open_link(text: str) -> tuple[Recording, int]:
    """Run what the text names; the recording and the moment.

    Raises ValueError for a text that is none or a moment that is not there, else as
    :func:`~thplab.recording.record_scenario` does.
    """
    found = _SHAPE.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if not found:
        raise ValueError(f"{text[:80]!r} is no link; one looks like thplab:note@6.18/lines#120")
    what, step = found["what"], int(found["step"])
    which = _unpack(what.removeprefix(_DATA)) if what.startswith(_DATA) else what
    recording = record_scenario(which, found["kernel"], found["depth"])
    if step >= len(recording):
        raise ValueError(f"moment {step}: this recording has moments 0 to {len(recording) - 1}")
    return recording, step


def _pack(raw: object) -> str:
    return urlsafe_b64encode(zlib.compress(json.dumps(raw, separators=(",", ":")).encode(), 9)).decode()


def _unpack(text: str) -> Scenario:
    try:
        stream = Unzip(urlsafe_b64decode(text), zlib.MAX_WBITS)
        unpacked = stream.read(_LARGEST)
        stream.end()
        check_json(unpacked)
        raw = json.loads(unpacked)
    except ValueError:
        raise ValueError("the scenario in this link is cut off or changed") from None
    return Scenario.from_data(raw)
