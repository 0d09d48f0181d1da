"""Record a scenario: its set-up runs first, then its steps are recorded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from thplab.machine import Machine
from thplab.recording.recorder import LINE_FILES, MOST_MOMENTS, Payer, Recorder, RecordingTooLong
from thplab.recording.recording import Recording
from thplab.scenario import Scenario, ScenarioRun, scenario


def record_scenario(
    which: Scenario | str,
    kernel: str = "6.18",
    depth: str = "lines",
    files: tuple[str, ...] = LINE_FILES,
    *,
    alongside: Callable[[Machine], AbstractContextManager[object]] = nullcontext,
    most: int = MOST_MOMENTS,
) -> Recording:
    """Record the steps of a scenario, given as data or by name, under a kernel's profile.

    ``alongside`` makes of the machine what is to run while the steps do: ``Meter`` lets time go on, and
    the recording has its ``bill``. ``most``: moments that it may have.
    Raises ValueError for an unknown name, kernel or depth, RecordingTooLong for a run of too many moments,
    Unsupported and ScenarioError as :class:`~thplab.scenario.ScenarioRun` does.
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
        most=most,
    )
    with alongside(run.machine) as beside, recorder:
        bill: Payer | None = getattr(beside, "bill", None)
        if bill is not None:
            recorder.follow(bill)
        for step in chosen.steps:
            recorder.begin_step()
            recorder.intruders += run.step(step).get("intruders", ())
    return recorder.recording


def record_what_fits(
    which: Scenario | str,
    kernel: str = "6.18",
    *,
    tell: Callable[[str], object] = lambda text: None,
    most: int = MOST_MOMENTS,
) -> Recording:
    """Record a scenario as deep as its length allows: with its lines, else its functions, else its events.

    ``tell`` hears of each attempt that was given up; ``most``: moments that it may have. The recording's
    header says which ``depth`` it was.
    Raises RecordingTooLong if not even the events fit, and as :func:`record_scenario` does.
    """
    try:
        return record_scenario(which, kernel, "lines", most=most)
    except RecordingTooLong as error:
        tell(f"{error}; recording its functions instead")
    try:
        # A function costs as much time as many lines do: what has so many is better seen from afar.
        return record_scenario(which, kernel, "functions", most=most // 5)
    except RecordingTooLong as error:
        tell(f"{error}; recording its events only")
    return record_scenario(which, kernel, "events", most=most)
