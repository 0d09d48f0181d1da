"""Record a scenario: its set-up runs first, then its steps are recorded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from thplab.machine import Machine
from thplab.recording.recorder import LINE_FILES, Payer, Recorder
from thplab.recording.recording import Recording
from thplab.scenario import Scenario, ScenarioRun, scenario

__all__ = ["record_scenario"]


def record_scenario(
    which: Scenario | str,
    kernel: str = "6.18",
    depth: str = "lines",
    files: tuple[str, ...] = LINE_FILES,
    *,
    alongside: Callable[[Machine], AbstractContextManager[object]] = nullcontext,
) -> Recording:
    """Record the steps of a scenario, given as data or by name, under a kernel's profile.

    ``alongside`` makes of the machine what is to run while the steps do: ``Meter`` lets time go on, and
    the recording has its ``bill``.
    Raises ValueError for an unknown name, kernel or depth, Unsupported and ScenarioError as
    :class:`~thplab.scenario.ScenarioRun` does.
    """
    chosen = scenario(which) if isinstance(which, str) else which
    run = ScenarioRun(chosen, kernel)
    first = run.actors[chosen.processes[0].name]
    recorder = Recorder(
        run.machine.kernel,
        depth,
        files,
        title=chosen.name,
        story=chosen.story,
        scenario=chosen.raw,
        focus=(first.process.mm, first.address(0)),
    )
    with alongside(run.machine) as beside, recorder:
        bill: Payer | None = getattr(beside, "bill", None)
        if bill is not None:
            recorder.follow(bill)
        for step in chosen.steps:
            recorder.begin_step()
            recorder.intruders += run.step(step).get("intruders", ())
    return recorder.recording
