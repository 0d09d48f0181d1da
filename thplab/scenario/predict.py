"""What would a kernel do? Answers for scenarios given as JSON, one for each.

No code here decides a verdict: a machine is booted, the ops are carried out as system calls and faults,
the daemon is woken, and the answer is read from page tables and emitted tracepoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from thplab.limits import Limits
from thplab.scenario.data import Scenario, unwrap
from thplab.scenario.errors import ScenarioError, Unsupported
from thplab.scenario.files import Entry, read_entries
from thplab.scenario.photographs import check_photographs
from thplab.scenario.start import run_scenario
from thplab.scenario.work import NotFinished, limited

_LIMITS = Limits()


def predict(data: object, kernel: str = "6.18", limits: Limits = _LIMITS) -> dict[str, Any]:
    """The answer to ``{"scenario": ..., "before": ...}``, or to a scenario, as a recording would show it.

    ``before`` is optional: photographs of the processes when their ops were done; page kinds and swap
    then come from it. Raises ScenarioError (not such data, or it can't be done), Unsupported (the
    model can't), NotFinished (it would cost more than ``limits``), ValueError (unknown kernel).
    """
    raw, before = unwrap(data)
    scenario = Scenario.from_data(raw)
    if before is not None:
        check_photographs(before, scenario)
    with limited(limits):
        return run_scenario(scenario, kernel, before=before)


def predict_line(line: str, kernel: str = "6.18", limits: Limits = _LIMITS) -> dict[str, Any]:
    """The answer to an object in JSON, whatever it is: a run, ``unsupported`` or ``error``."""
    return _answer(Entry(1, line), kernel, limits, "")


def predict_lines(
    lines: Iterable[bytes], kernel: str = "6.18", file: str = "", limits: Limits = _LIMITS
) -> Iterator[dict[str, Any]]:
    """An answer for each object of a file, in order; an error says where in ``file`` it is."""
    for entry in read_entries(lines):
        yield _answer(entry, kernel, limits, f"{file}, line {entry.line}: " if file else "")


def _answer(entry: Entry, kernel: str, limits: Limits, where: str) -> dict[str, Any]:
    name = None
    try:
        data = entry.read()
        name = _name(data)
        return {**predict(data, kernel, limits), "name": name}
    except Unsupported as error:
        return {"name": name, "unsupported": str(error)}
    except (ScenarioError, NotFinished) as error:
        return {"name": name, "error": f"{where}{error}"}
    except MemoryError as error:
        return {"name": name, "unsupported": str(error) or "there is not enough memory for this scenario"}
    except Exception as error:
        # A defect of the model must not take the other answers with it.
        return {"name": name, "error": f"{where}the model failed: {type(error).__name__}: {error}"}


def _name(data: object) -> str | None:
    """The scenario's name, or that of the line, if there is one."""
    places = (data.get("scenario"), data) if isinstance(data, Mapping) else ()
    names = (place.get("name") for place in places if isinstance(place, Mapping))
    return next((name for name in names if isinstance(name, str)), None)
