"""What if, from this moment on: the same scenario, entries painted, knobs turned, somebody else acting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from thplab.ledger import Meter
from thplab.mm.include.errors import KernelError
from thplab.reading.moment import Reader, ReadMoment
from thplab.recording import Recording, RecordingTooLong, record_scenario
from thplab.recording.recorder import LINE_FILES
from thplab.scenario import Scenario, ScenarioError
from thplab.scenario.memory import memory_needed
from thplab.scenario.paint import paint, repaint
from thplab.scenario.settings import SETTINGS_VALUE
from thplab.scenario.spec import INTRUDER_OPS
from thplab.stage.places import Place, next_place

_OP = re.compile(r"(?P<op>\w+)(?:\s+(?P<word>[a-z_]+))?(?:\s+(?P<pages>[\d\s,-]+))?")
#: Ops whose second word is this key.
_WORD = {"advise": "advice", "mprotect": "prot"}


class EditError(ScenarioError):
    """An edit that was refused; ``field``: paint, knobs or op, or empty if it is about all of them."""

    def __init__(self, text: str, field: str = "") -> None:
        """``text`` says what is wrong and what is allowed."""
        super().__init__(text)
        self.field = field


@contextmanager
def _about(field: str) -> Iterator[None]:
    """Errors in the block are about a field."""
    try:
        yield
    except ScenarioError as error:
        raise EditError(str(error), field) from error


@dataclass(frozen=True)
class Branch:
    """``recording``: the other future; ``place``: where the two part; ``edits``: what was done there."""

    recording: Recording
    place: Place
    edits: tuple[str, ...]


def branch(
    recording: Recording,
    at: int = 0,
    *,
    paint: str = "",
    knobs: Mapping[str, Any] | str = "",
    op: str | Mapping[str, Any] = "",
    gap: str = "",
) -> Branch:
    """Run the recording's scenario again, with something else from moment ``at`` on.

    ``paint``: entries of the moment's window, ``100x present, 412x none`` or ``7 swap, 100-199 none``;
    ``knobs``: settings of a scenario, as a dict or as text: ``max_ptes_none=100, enabled=always``;
    ``op``: what somebody else does, as data of a scenario or as text: ``munmap 0-255``, ``pin 511``,
    ``advise dontneed 0-511``, ``b: write 7``, pages being entries of the window.
    All of it happens at the first place from that moment on where others can act: between two steps, or at
    a gap of a collapse, or at the ``gap`` that is named. Whoever needs a lock that is taken waits for it.

    Raises EditError, a ScenarioError, which says what is not accepted and what is allowed, or Unsupported,
    and ValueError if there is no such place; then nothing has changed.
    """
    place = next_place(recording, at, gap)
    ops, edits = _ops(recording, place, paint, parse_knobs(knobs), op)
    if not ops:
        raise EditError("nothing to change: paint an entry, turn a knob, or let somebody act")
    scenario = Scenario.from_data(_edited(recording, place, ops))
    ledger = recording.header.get("ledger") is not None
    files = tuple(source["file"] for source in recording.header["sources"]) or LINE_FILES
    try:
        made = record_scenario(
            scenario,
            recording.header["kernel"],
            recording.header["depth"],
            files,
            alongside=Meter if ledger else nullcontext,
        )
    except (KernelError, RecordingTooLong) as error:
        raise ScenarioError(str(error)) from error
    _refuse_failed(made, recording)
    return Branch(made, place, tuple(edits))


_Op = tuple[str, Mapping[str, Any]]
"""Who does it, and what."""


def _ops(
    recording: Recording, place: Place, painted: str, knobs: dict[str, Any], op: str | Mapping[str, Any]
) -> tuple[list[_Op], list[str]]:
    """What is done at the place, and the same in words."""
    names = _processes(recording)
    with _about("knobs"):
        SETTINGS_VALUE.check(knobs, "knobs", 0)
    ops: list[_Op] = [(names[0], {"op": "set", "key": key, "value": value}) for key, value in knobs.items()]
    edits = [f"{key} is set to {value}" for key, value in knobs.items()]
    if painted.strip():
        with _about("paint"):
            who, changes = _paint_ops(recording, place, painted, names)
        ops += [(who, each) for each in changes]
        edits.append(f"entries of {who}: {painted.strip()}")
    if isinstance(op, Mapping):
        ops.append((names[0], op))
        edits.append(f"{names[0]}: {op['op']}")
    elif op.strip():
        with _about("op"):
            who, act = parse_op(op, names[0])
            if who.partition(".")[0] not in names:
                raise ScenarioError(f"no process {who!r}; there are {', '.join(names)}")
            ops.append((who, _placed(recording, place, act)))
        edits.append(f"{who}: {op.rpartition(':')[2].strip()}")
    return ops, edits


def _processes(recording: Recording) -> list[str]:
    raw = recording.header["scenario"]
    return [proc["name"] for proc in raw["procs"]] if "procs" in raw else ["a"]


def _window(recording: Recording, place: Place) -> tuple[ReadMoment, int]:
    """The moment, and the number of its window's first page in the region of the scenario."""
    at = Reader(recording).read(place.moment)
    if at.window is None:
        raise ScenarioError("no window is in focus at this moment; go to one that has entries")
    region = Scenario.from_data(recording.header["scenario"]).machine.region
    return at, (at.window.address - region) >> int(recording.header["geometry"]["page_shift"])


def _paint_ops(
    recording: Recording, place: Place, text: str, names: Sequence[str]
) -> tuple[str, list[dict[str, Any]]]:
    wanted = paint(text, recording.header["geometry"]["entries"])
    at, first = _window(recording, place)
    assert at.window is not None
    who = at.window.mm.label if at.window.mm else "?"
    if who not in names:
        raise ScenarioError(
            f"the window of this moment belongs to {who}, which the scenario does not steer; "
            f"go to one of {', '.join(names)}"
        )
    changes = repaint(at.window.keys, wanted, first)
    if not changes:
        raise ScenarioError("the entries are painted as they are already; paint at least one otherwise")
    return who, changes


def parse_knobs(knobs: Mapping[str, Any] | str) -> dict[str, Any]:
    """``max_ptes_none=100, enabled=always`` as a dict. Raises EditError."""
    if not isinstance(knobs, str):
        return dict(knobs)
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in re.split(r"[,;\n]", knobs))):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not value:
            raise EditError(f"{part!r} is not accepted; allowed: a knob, =, and its value", "knobs")
        found[name] = int(value) if value.isdecimal() else value
    return found


def parse_op(text: str, who: str) -> tuple[str, dict[str, Any]]:
    """``b: munmap 0-255`` as (process, op); ``who`` is meant without a name. Raises ScenarioError."""
    name, colon, rest = text.partition(":")
    found = _OP.fullmatch((rest if colon else name).strip())
    if found is None or found["op"] not in INTRUDER_OPS:
        raise ScenarioError(
            f"{text.strip()!r} is not accepted; allowed: munmap 0-255, pin 511, advise dontneed 0-511, "
            f"b: write 7, or another of {', '.join(INTRUDER_OPS)}"
        )
    op: dict[str, Any] = {"op": found["op"]}
    if found["word"]:
        op[_WORD.get(found["op"], "word")] = found["word"]
    if found["pages"]:
        op["pages"] = [_range(part) for part in found["pages"].split(",")]
    return name.strip() if colon else who, op


def _range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    if not first.strip().isdecimal() or not (last or first).strip().isdecimal():
        raise ScenarioError(f"pages {text.strip()!r}: allowed: 7 or 0-255")
    return [int(first), int(last or first) + 1]


def _placed(recording: Recording, place: Place, op: Mapping[str, Any]) -> dict[str, Any]:
    """An op whose pages are entries of the window, with pages of the region."""
    if "pages" not in op:
        return dict(op)
    _, offset = _window(recording, place)
    return {**op, "pages": [[offset + first, offset + end] for first, end in op["pages"]]}


def _edited(recording: Recording, place: Place, ops: Sequence[_Op]) -> dict[str, Any]:
    """The scenario's data with the ops at their place, on a machine that is as large as before."""
    raw = deepcopy(recording.header["scenario"])
    steps = raw.pop("steps", None) or [raw.pop("action")]
    if place.gap:
        added = [{"at": place.gap, "nth": place.nth, "proc": who, "op": op} for who, op in ops]
        step = steps[place.step]
        steps[place.step] = {**step, "intruders": [*step.get("intruders", ()), *added]}
    else:
        steps[place.step : place.step] = [_step(who, op) for who, op in ops]
    data = {**raw, "steps": steps, "name": f"{recording.header['title']}, otherwise"}
    before = Scenario.from_data(recording.header["scenario"])
    had = before.machine.memory_pages or memory_needed(before)
    size = max(had, memory_needed(Scenario.from_data(data)))
    return {**data, "machine": {**raw.get("machine", {}), "memory_pages": size}}


def _step(who: str, op: Mapping[str, Any]) -> dict[str, Any]:
    if op["op"] == "set":
        return {"type": "set", "settings": {op["key"]: op["value"]}}
    if op["op"] == "exit":
        return {"type": "exit", "proc": who}
    return {"type": "ops", "proc": who, "ops": [op]}


def _refuse_failed(made: Recording, before: Recording) -> None:
    """An intruder that was refused by the model would leave half of the edits undone."""
    for report in made.header["intruders"]:
        if report.get("error") and report not in before.header.get("intruders", ()):
            raise ScenarioError(f"{report['op']} by {report['proc']}: {report['error']}")
