"""Recording the note's collapse with every line, and what importing costs."""

from __future__ import annotations

import resource
import subprocess
import sys
from time import perf_counter, process_time

from benchmarks.report import Figure
from thplab.recording import Recorder
from thplab.scenario import ScenarioRun, scenario

_ROUNDS = 9


def figures() -> list[Figure]:
    """Wall and CPU time of a recording, its size, and the CPU time of imports."""
    wall, cpu, size = [], [], []
    for _ in range(_ROUNDS):
        run = ScenarioRun(scenario("note"))
        recorder = Recorder(run.machine.kernel)
        before, before_cpu = perf_counter(), process_time()
        with recorder:
            for step in run.scenario.steps:
                run.step(step)
        data = recorder.recording.to_bytes()
        wall.append(1000 * (perf_counter() - before))
        cpu.append(1000 * (process_time() - before_cpu))
        size.append(len(data) / 1000)
    what = "scenario note, depth lines, from the first step to the bytes of the file; set-up not counted"
    return [
        Figure("recording the note's collapse", "ms", wall, f"wall clock; {what}", aim=300),
        Figure("  the same in CPU time", "ms", cpu, "process_time"),
        Figure("  its file", "kB", size, "gzip as it is saved, 1 kB = 1000 bytes", aim=150),
        *_imports(),
    ]


def _imports() -> list[Figure]:
    bare = _cpu_of("pass")
    spent = [value - sorted(bare)[len(bare) // 2] for value in _cpu_of("import thplab")]
    helps = _cpu_of("import sys; sys.argv = ['thplab', '--help']; import thplab.cli; thplab.cli.main()")
    return [
        Figure("import thplab", "ms", spent, "CPU of a new Python, less that of -c pass", aim=100),
        Figure("thplab --help", "ms", helps, "CPU of a new Python, all of it"),
    ]


def _cpu_of(code: str) -> list[float]:
    """CPU milliseconds (user and system) of ``python -c code``, seven times."""
    values = []
    for _ in range(7):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        values.append(1000 * spent)
    return values
