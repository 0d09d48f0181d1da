"""A sweep that is interrupted ends at once, and what can't be swept is refused before a job begins."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from thplab import sweeps
from thplab.sweeps import SerialExecutor

SWEEPS: dict[str, Callable[..., Any]] = {
    name: getattr(sweeps, name) for name in sweeps.__all__ if name.endswith("_sweep")
}
BAD: dict[str, list[Any]] = {
    "list": [(), [], "", "12", b"1", 5, None, [-1], [1 << 80], ["1"], [None], [True], [float("nan")], [[1]]],
    "int": [0.5, "1", None, True, 1 << 80, 10**30, [1], float("inf")],
    "str": ["2.4", "", 5, None, b"6.18", ["6.18"]],
}
MAY_BE_EMPTY = ("small", "huge", "pinned_blocks")
PARAMETERS = [
    (name, parameter)
    for name, each in SWEEPS.items()
    for parameter in inspect.signature(each).parameters.values()
    if parameter.name not in ("executor", "exact", "settings", "entries", "ways")
]


class Nobody(SerialExecutor):
    """Computes nothing."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a job was begun")


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS, ids=[f"{n}-{p.name}" for n, p in PARAMETERS])
def test_what_can_not_be_swept_is_refused_before_a_job_begins(name: str, parameter: Any) -> None:
    hint = str(parameter.annotation)
    kind = "list" if hint.startswith("Sequence") else hint
    for value in BAD[kind]:
        if parameter.name in MAY_BE_EMPTY and value in ((), []):
            continue
        with pytest.raises(ValueError, match=f"^{parameter.name}: .*allowed: |profile"):
            SWEEPS[name](**{parameter.name: value}, executor=Nobody())


def test_sweeps_without_an_end_are_refused() -> None:
    assert len(SWEEPS) >= 5
    named = [(name, parameter.name) for name, parameter in PARAMETERS if "windows" in parameter.name]
    assert len(named) >= 3
    for name, parameter in named:
        with pytest.raises(ValueError, match=f"^{parameter}: 1000000000 is not accepted"):
            SWEEPS[name](**{parameter: 10**9}, executor=Nobody())


PROGRAM = r"""
import os, sys, time
def slow(number):
    os.write(1, b"%d\n" % os.getpid())
    time.sleep(60)
    return [number]
if __name__ == "__main__":
    from thplab.sweeps import sweep
    os.cpu_count = lambda: 2
    try:
        sweep(slow, (1, 2, 3))
    except KeyboardInterrupt:
        sys.exit(7)
"""


@pytest.mark.parametrize("whole_group", [False, True])
def test_ctrl_c_ends_the_running_jobs_within_a_second(tmp_path: Any, whole_group: bool) -> None:
    """To the program alone, as a notebook does, and to all processes, as a terminal does."""
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    child = subprocess.Popen(
        [sys.executable, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert child.stdout
    workers = [int(child.stdout.readline()) for _ in range(2)]
    (os.killpg if whole_group else os.kill)(child.pid, signal.SIGINT)
    begun = time.monotonic()
    _, err = child.communicate(timeout=30)
    assert time.monotonic() - begun < 3  # a second, and as much again for a busy computer
    assert (child.returncode, err) == (7, "")
    assert not any(_lives(worker) for worker in workers)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
