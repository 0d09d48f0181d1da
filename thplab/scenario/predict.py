"""What would a kernel do? Answers for scenarios given as lines of JSON, one line for each.

No code here decides a verdict: a machine is booted, the ops are carried out as system calls and faults,
the daemon is woken, and the answer is read from page tables and emitted tracepoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from thplab.scenario.data import Scenario, read_json
from thplab.scenario.errors import ScenarioError, Unsupported
from thplab.scenario.photographs import check_photographs
from thplab.scenario.start import run_scenario

__all__ = ["predict", "predict_line", "predict_lines"]


def predict(data: object, kernel: str = "6.18") -> dict[str, Any]:
    """The answer to ``{"scenario": ..., "before": ...}`` as a recording would show it.

    ``before`` is optional: photographs of the processes when their ops were done; page kinds and swap
    then come from it. Raises ScenarioError (not such data, or it can't be done), Unsupported (the
    model can't), ValueError (unknown kernel).
    """
    if not isinstance(data, Mapping) or "scenario" not in data:
        raise ScenarioError("a line is an object with 'scenario' and, if wanted, 'before'")
    scenario = Scenario.from_data(data["scenario"])
    before = data.get("before")
    if before is not None:
        check_photographs(before, scenario)
    return run_scenario(scenario, kernel, before=before)


def predict_line(line: str, kernel: str = "6.18") -> dict[str, Any]:
    """The answer to one line of JSON, whatever it is: a run, ``unsupported`` or ``error``."""
    name = None
    try:
        data = read_json(line)
        name = _name(data)
        return {**predict(data, kernel), "name": name}
    except Unsupported as error:
        return {"name": name, "unsupported": str(error)}
    except ScenarioError as error:
        return {"name": name, "error": str(error)}
    except MemoryError as error:
        return {"name": name, "unsupported": str(error) or "there is not enough memory for this scenario"}
    except Exception as error:
        # A fault of the model must not take the other lines with it.
        return {"name": name, "error": f"the model failed: {type(error).__name__}: {error}"}


def predict_lines(lines: Iterable[bytes], kernel: str = "6.18") -> Iterator[dict[str, Any]]:
    """An answer for each line, in order."""
    for line in lines:
        yield predict_line(line.decode(errors="replace"), kernel)


def _name(data: object) -> str | None:
    """The scenario's name, or that of the line, if there is one."""
    places = (data.get("scenario"), data) if isinstance(data, Mapping) else ()
    names = (place.get("name") for place in places if isinstance(place, Mapping))
    return next((name for name in names if isinstance(name, str)), None)
