"""Run a scenario on the model, step by step, as the recordings of real kernels were made.

Another process is registered with khugepaged beforehand (the keeper), so that the scenario's own
registrations wake nobody; the daemon's sleep is an hour, and each wakeup is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thplab.machine import MIN_HUGE_PAGES, Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.trace_events import MOST_EVENTS
from thplab.scenario.actor import Actor
from thplab.scenario.data import Scenario
from thplab.scenario.errors import ScenarioError, Unsupported
from thplab.scenario.fragment import fill_memory, memory_of
from thplab.scenario.memory import memory_needed, swap_needed
from thplab.scenario.observe import event_record, photograph
from thplab.scenario.settings import UNLIMITED, default_settings, store_settings
from thplab.scenario.spec import INTRUDER_OPS, OPS, perform
from thplab.scenario.steps import STEPS
from thplab.scenario.surroundings import Surroundings, start_keeper, start_marker
from thplab.scenario.turns import Turns
from thplab.scenario.work import FRAME, SLOT, WINDOW, now, spend

_ONE_HOUR_MS = 3_600_000
#: Steps that a window of a photograph counts for.
_PER_WINDOW = 8


class ScenarioRun:
    """A scenario set up on a machine of its own, ready for its first step.

    ``kernel``: the profile's name. ``surroundings``: other VMAs, for scenarios about the budget.
    ``spared``: process -> pages that MADV_PAGEOUT leaves in memory.
    Raises Unsupported, ScenarioError, or ValueError for an unknown kernel.
    """

    def __init__(
        self,
        scenario: Scenario,
        kernel: str = "6.18",
        surroundings: Surroundings | None = None,
        spared: Mapping[str, set[int]] | None = None,
    ) -> None:
        """Boot, start the processes and let them do their ops."""
        self.scenario = scenario
        self.surroundings = surroundings or Surroundings()
        self.spared = spared or {}
        spec = scenario.machine
        pages = spec.memory_pages or memory_needed(scenario)
        least = MIN_HUGE_PAGES * spec.entries
        if pages < least:
            raise ScenarioError(f"machine.memory_pages: {pages} is too little; allowed: {least} or more")
        swap = swap_needed(scenario) if spec.swap_pages is None else spec.swap_pages
        spend(0 if spec.memory == "free" else pages, pages * FRAME + swap * SLOT)
        self.machine = Machine(
            kernel,
            memory_pages=pages,
            start_pfn=spec.start_pfn,
            entries=spec.entries,
            swap_pages=swap,
            memory=memory_of(spec, pages),
            lru_gen=scenario.lru_gen,
        )
        self.actors: dict[str, Actor] = {}
        self.missing_settings: list[str] = []
        try:
            self._set_up()
        except KernelError as error:
            raise ScenarioError(str(error)) from error
        try:
            fill_memory(self.machine, spec)
        except KernelError as error:
            raise ScenarioError(f"machine.memory: no process can use all of it: {error}") from error
        now("the pages are looked at before the first step", self.machine)
        self.before = self.photographs()
        self._settle()

    def _set_up(self) -> None:
        """The auxiliary processes, the set-up settings, then the ops of each process in turn."""
        alloc = {"alloc_sleep_millisecs": self.scenario.settings.get("alloc_sleep_millisecs", 60_000)}
        self.store({**alloc, "scan_sleep_millisecs": _ONE_HOUR_MS})
        budget = self.scenario.budget
        if self.scenario.machine.keeper:
            start_keeper(self.machine, self.surroundings.keeper if budget else 0)
        before = _without_sleeps({**self.scenario.settings, **self.scenario.setup_settings})
        if before.get("enabled") == "never":
            before["enabled"] = self.scenario.setup_settings.get("enabled", "madvise")
        self.store({**before, "pages_to_scan": UNLIMITED})
        self.machine.wake_khugepaged()
        if budget:
            start_marker(self.machine, self.surroundings.usual)
        region, turns = self.scenario.machine.region, Turns(self.machine)
        for spec in self.scenario.processes:
            process = self.machine.process(spec.name)
            spared = frozenset(self.spared.get(spec.name, ()))
            self.actors[spec.name] = Actor(self.machine, process, region, spared, turns)
        for spec in self.scenario.processes:
            for number, op in enumerate(spec.ops, 1):
                now(
                    f"process {spec.name} is set up: op {number} of {len(spec.ops)}, {op['op']}", self.machine
                )
                perform(self.actors[spec.name], op)
        now("the cursor is brought to the first process", self.machine)
        if budget:
            self._furnish()
            self._bring_cursor_to(self.scenario.processes[0].name)

    def _furnish(self) -> None:
        """Raises ScenarioError where there is no place for the other VMAs of a process."""
        region, nr = self.scenario.machine.region, self.machine.kernel.geometry.HPAGE_PMD_NR
        maps = ((INTRUDER_OPS.get(op["op"]) or OPS[op["op"]]).maps(op) for op in self.scenario.all_ops())
        end = max((end for ranges in maps for _, end in ranges), default=0) // nr * nr + nr
        for actor in self.actors.values():
            actor.refuse_to_wait("budget")
            try:
                self.surroundings.furnish(actor.process, region, actor.address(end))
            except KernelError as error:
                raise ScenarioError(f"budget: no place for other VMAs of {actor.name}: {error}") from error

    def _settle(self) -> None:
        """The settings under which the steps run: those of the scenario, else the defaults."""
        geometry = self.machine.kernel.geometry
        final = {**default_settings(self.scenario.setup_settings, geometry), **self.scenario.settings}
        final = _without_sleeps(final)
        budget = final.pop("pages_to_scan", 8 * geometry.HPAGE_PMD_NR)
        self.store({**final, "pages_to_scan": budget})

    def _bring_cursor_to(self, name: str) -> None:
        """Wakeups of one unit until the cursor stands at the beginning of that process."""
        scan = self.machine.kernel.khugepaged
        never = f"budget: khugepaged never comes to process {name!r}"
        if scan.thread is None:
            raise ScenarioError(f"{never}: it does not run")
        if all(slot.mm.name != name for slot in scan.mm_head):
            raise ScenarioError(f"{never}: the process is not registered")
        self.store({"pages_to_scan": 1})
        laps = scan.full_scans
        while scan.scan_mm_slot is None or scan.scan_mm_slot.mm.name != name or scan.scan_address:
            # Twice round: whatever it scans on its way, once the process must have had its turn.
            if scan.full_scans > laps + 1:
                raise ScenarioError(f"{never}: it passes it over")
            self.machine.wake_khugepaged()

    def store(self, settings: Mapping[str, Any]) -> None:
        """Write settings; those that this kernel has not are noted in ``missing_settings``."""
        missing = store_settings(self.machine, settings)
        self.missing_settings += [key for key in missing if key not in self.missing_settings]

    def photographs(self) -> dict[str, Any]:
        """A photograph of each living process."""
        return {name: self.photograph(actor) for name, actor in self.actors.items() if actor.alive}

    def photograph(self, actor: Actor) -> dict[str, Any]:
        """Its page tables, window by window."""
        windows = actor.windows()
        spend(windows * (_PER_WINDOW + len(actor.process.mm.vmas) // 32), windows * WINDOW)
        return photograph(actor.process, actor.region, windows)

    def step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one step; what was seen of it."""
        return {"type": step["type"], **STEPS[step["type"]].run(self, step)}

    def events_since(self, first: int) -> list[dict[str, Any]]:
        """The trace events from number ``first`` on, as the recordings write them.

        Raises Unsupported if there were more than are kept.
        """
        if first < self.machine.kernel.tracing.events.lost:
            raise Unsupported(f"more than {MOST_EVENTS} trace events in one step")
        region, size = self.scenario.machine.region, self.machine.kernel.geometry.HPAGE_PMD_SIZE
        records = (event_record(event, region, size) for event in self.machine.trace[first:])
        return [r for r in records if r is not None and r["proc"].partition(".")[0] in self.actors]

    def actor(self, step: Mapping[str, Any]) -> Actor:
        """The process a step is about: the first one unless it names another; it must live."""
        name = step.get("proc", self.scenario.processes[0].name)
        if name not in self.actors:
            raise ScenarioError(f"no process {name!r}; there are {', '.join(self.actors)}")
        if not self.actors[name].alive:
            raise ScenarioError(f"process {name!r} has exited")
        return self.actors[name]

    def free_actor(self, step: Mapping[str, Any]) -> Actor:
        """The same, for a step that takes the process's mmap_lock."""
        actor = self.actor(step)
        actor.refuse_to_wait(step["type"])
        return actor


def _without_sleeps(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Writing one of the sleeps wakes the daemon, which a set-up must not do."""
    return {key: value for key, value in settings.items() if not key.endswith("_sleep_millisecs")}
