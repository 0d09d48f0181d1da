"""Run a scenario on the model, step by step, as the recordings of real kernels were made.

Another process is registered with khugepaged beforehand (the keeper), so that the scenario's own
registrations wake nobody; the daemon's sleep is an hour, and each wakeup is asked for.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Any

from thplab.machine import Machine
from thplab.mm.errors import KernelError
from thplab.scenario.data import Scenario, ScenarioError, Unsupported
from thplab.scenario.observe import event_record, photograph, window_text
from thplab.scenario.ops import Actor

__all__ = ["ScenarioRun", "run_scenario"]

_ONE_HOUR_MS = 3_600_000
_UNLIMITED = 4_000_000_000

#: key of ``settings`` -> file below /sys/kernel/mm/transparent_hugepage/
_FILES = {
    "enabled": "enabled",
    "defrag": "defrag",
    "use_zero_page": "use_zero_page",
    "mthp_2048": "hugepages-2048kB/enabled",
    "khugepaged_defrag": "khugepaged/defrag",
    "max_ptes_none": "khugepaged/max_ptes_none",
    "max_ptes_swap": "khugepaged/max_ptes_swap",
    "max_ptes_shared": "khugepaged/max_ptes_shared",
    "pages_to_scan": "khugepaged/pages_to_scan",
    "scan_sleep_millisecs": "khugepaged/scan_sleep_millisecs",
    "alloc_sleep_millisecs": "khugepaged/alloc_sleep_millisecs",
}


class ScenarioRun:
    """A scenario set up on a machine of its own, ready for its first step.

    ``kernel``: the profile's name. Raises Unsupported, ScenarioError, or ValueError for an unknown
    kernel.
    """

    def __init__(self, scenario: Scenario, kernel: str = "6.18") -> None:
        """Boot, start the processes and let them do their ops."""
        self.scenario = scenario
        spec = scenario.machine
        pages = spec.memory_pages or _memory_needed(scenario)
        self.machine = Machine(kernel, memory_pages=pages, start_pfn=spec.start_pfn, entries=spec.entries)
        self.actors: dict[str, Actor] = {}
        self._set_up()

    def _set_up(self) -> None:
        self._store({"scan_sleep_millisecs": _ONE_HOUR_MS})
        if self.scenario.machine.keeper:
            _start_keeper(self.machine)
        before = {**self.scenario.settings, **self.scenario.setup_settings}
        if before.get("enabled") == "never":
            before["enabled"] = self.scenario.setup_settings.get("enabled", "madvise")
        self._store({**before, "pages_to_scan": _UNLIMITED})
        self.machine.wake_khugepaged()
        for spec in self.scenario.processes:
            self.actors[spec.name] = Actor(self.scenario, self.machine, spec.name)
        for spec in self.scenario.processes:
            for op in spec.ops:
                self.actors[spec.name].do(op)
        if self.scenario.budget:
            self._bring_cursor_to(self.scenario.processes[0].name)
        self._store({"pages_to_scan": self.scenario.settings.get("pages_to_scan", self._default_budget())})
        self._store({k: v for k, v in self.scenario.settings.items() if k != "pages_to_scan"})

    def _default_budget(self) -> int:
        return 8 * self.machine.kernel.geometry.HPAGE_PMD_NR

    def _bring_cursor_to(self, name: str) -> None:
        """Wakeups of one unit until the cursor stands at the beginning of that process."""
        scan = self.machine.kernel.khugepaged
        self._store({"pages_to_scan": 1})
        for _ in range(1 << 16):
            if scan.scan_mm_slot and scan.scan_mm_slot.mm.name == name and not scan.scan_address:
                return
            self.machine.wake_khugepaged()
        raise ScenarioError(f"khugepaged never comes to process {name!r}: it is not registered")

    def _store(self, settings: Mapping[str, Any]) -> None:
        for key, value in settings.items():
            if key not in _FILES:
                raise Unsupported(f"setting {key!r} is not modelled")
            if key == "pages_to_scan" and int(value) >= 1_000_000:
                value = _UNLIMITED
            self.machine.write_sysfs(_FILES[key], value)

    def windows_of(self, name: str) -> int:
        """How many windows a photograph of the process shows."""
        ends = [end for _, end in self.actors[name].mapped]
        return -(-max(ends, default=0) // self.machine.kernel.geometry.HPAGE_PMD_NR)

    def photographs(self) -> dict[str, Any]:
        """A photograph of each living process."""
        region = self.scenario.machine.region
        return {
            name: photograph(actor.process, region, self.windows_of(name))
            for name, actor in self.actors.items()
            if actor.process.mm.mm_users
        }

    def step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one step; what was seen of it."""
        first = len(self.machine.trace)
        kind = step["type"]
        seen: dict[str, Any] = {"type": kind, **_STEPS[kind](self, step)}
        if kind == "madvise_collapse":
            seen["events"] = self.events_since(first)
        return seen

    def events_since(self, first: int) -> list[dict[str, Any]]:
        """The trace events from number ``first`` on, as the recordings write them."""
        region, size = self.scenario.machine.region, self.machine.kernel.geometry.HPAGE_PMD_SIZE
        records = (event_record(event, region, size) for event in self.machine.trace[first:])
        return [record for record in records if record is not None and record["proc"] in self.actors]

    def actor(self, step: Mapping[str, Any]) -> Actor:
        """The process a step is about: the first one unless it names another."""
        name = step.get("proc", self.scenario.processes[0].name)
        if name not in self.actors:
            raise ScenarioError(f"no process {name!r}; there are {', '.join(self.actors)}")
        return self.actors[name]


def _memory_needed(scenario: Scenario) -> int:
    """Room for every page that is mapped, twice over, and for tables."""
    mapped: int = sum(
        op["pages"]
        for spec in scenario.processes
        for op in spec.ops
        if op["op"] == "mmap" and isinstance(op.get("pages"), int)
    )
    entries = scenario.machine.entries
    return (2 * mapped // entries + 24) * entries


def _start_keeper(machine: Machine) -> None:
    """A process that stays registered with nothing to scan."""
    keeper = machine.process("keeper")
    start, size = 1 << 21, machine.kernel.geometry.HPAGE_PMD_SIZE
    start = -(-start // size) * size
    keeper.mmap(start, size)
    keeper.write(start, 1)
    keeper.madvise(start, size, "hugepage")
    keeper.munmap(start, size)


def _khugepaged(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    wakeups = []
    for _ in range(step.get("wakeups", 1)):
        first, scans = len(run.machine.trace), run.machine.kernel.khugepaged.full_scans
        run.machine.wake_khugepaged()
        wakeups.append(
            {
                "events": run.events_since(first),
                "daemon_runs": run.machine.kernel.khugepaged.thread is not None,
                "full_scans": run.machine.kernel.khugepaged.full_scans - scans,
            }
        )
    return {"wakeups": wakeups}


def _madvise_collapse(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    actor = run.actor(step)
    page = run.machine.kernel.geometry.PAGE_SIZE
    region = run.scenario.machine.region
    vmas = [((v.vm_start - region) // page, (v.vm_end - region) // page) for v in actor.process.mm.vmas]
    calls = []
    for first, end in step.get("ranges", vmas):
        number = 0
        try:
            actor.process.madvise(*actor.bytes_of(first, end), "collapse")
        except KernelError as error:
            number = error.errno or 0
        word = errno.errorcode[number] if number else 0
        calls.append({"pages": [first, end], "ret": -1 if number else 0, "errno": word})
    return {"calls": calls}


def _fault(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    actor = run.actor(step)
    geometry = run.machine.kernel.geometry
    touches = []
    for touch in step["touches"]:
        page, write = touch["page"], bool(touch.get("write", False))
        actor.do({"op": "write" if write else "read", "pages": [[page, page + 1]]})
        window = page // geometry.HPAGE_PMD_NR
        state = window_text(actor.process, actor.address(window * geometry.HPAGE_PMD_NR))
        touches.append({"page": page, "write": write, "window": window, "state": state})
    return {"touches": touches}


def _ops(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    actor = run.actor(step)
    for op in step["ops"]:
        actor.do(op)
    return {}


def _exit(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    run.actor(step).process.exit()
    return {}


def _set(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    run._store(step["settings"])
    return {}


def _none(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    return {}


_STEPS: dict[str, Callable[[ScenarioRun, Mapping[str, Any]], dict[str, Any]]] = {
    "khugepaged": _khugepaged,
    "madvise_collapse": _madvise_collapse,
    "fault": _fault,
    "ops": _ops,
    "exit": _exit,
    "set": _set,
    "none": _none,
}


def run_scenario(scenario: Scenario, kernel: str = "6.18") -> dict[str, Any]:
    """Run all steps; ``before``, ``steps``, ``after`` and ``verify`` in the recordings' shape."""
    run = ScenarioRun(scenario, kernel)
    before = run.photographs()
    steps = [run.step(step) for step in scenario.steps]
    after = run.photographs()
    living = {name: actor for name, actor in run.actors.items() if actor.process.mm.mm_users}
    bad = {name: actor.verify() for name, actor in living.items()}
    verify = {name: {"bad": pages, "ok": not pages} for name, pages in bad.items()}
    return {"name": scenario.name, "before": before, "steps": steps, "after": after, "verify": verify}
