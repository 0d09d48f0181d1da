"""Start a run from recorded photographs: page kinds and swap come from them, the rest from the ops.

What a process did follows from its ops, with one exception: MADV_PAGEOUT is best effort, and a real
kernel may leave pages in memory. Pages that the photograph shows in memory although the ops page them
out are spared by a second set-up. Any other contradiction means that something happened on the real
machine that the ops do not tell, so no answer would be worth anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thplab.mm.include.errors import KernelError
from thplab.mm.include.vm_event_item import EVENTS
from thplab.scenario.data import Scenario
from thplab.scenario.errors import ScenarioError, Unsupported
from thplab.scenario.photographs import glyphs_of
from thplab.scenario.reasons import everybody, why_nothing
from thplab.scenario.run import ScenarioRun
from thplab.scenario.surroundings import Surroundings
from thplab.scenario.work import now

_KINDS = {
    **dict.fromkeys("pscd", "in memory"),
    **dict.fromkeys("HS", "in a huge page"),
    "Z": "in the huge zero page",
    "z": "the zero page",
    ".": "none",
    "w": "swapped out",
    "-": "not mapped",
}
_SETUPS = 4


def start_run(scenario: Scenario, kernel: str, before: Mapping[str, Any] | None) -> ScenarioRun:
    """A run whose set-up agrees with the photographs. Raises Unsupported if no set-up does."""
    if before is None:
        return ScenarioRun(scenario, kernel)
    surroundings = Surroundings.from_photographs(before)
    spared: dict[str, set[int]] = {}
    for _ in range(_SETUPS):
        run = ScenarioRun(scenario, kernel, surroundings, spared)
        differing = _differing_pages(run.before, before)
        if not differing:
            return run
        left_in_memory = [(name, page) for name, page, ours, _ in differing if ours == "w"]
        if not left_in_memory:
            break
        for name, page in left_in_memory:
            spared.setdefault(name, set()).add(page)
    name, page, ours, theirs = differing[0]
    raise Unsupported(
        f"'before' shows page {page} of {name} {_KINDS[theirs]}; after its ops it is {_KINDS[ours]}"
    )


def _differing_pages(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, int, str, str]]:
    """Pages of another kind than photographed: process, page, glyph of ours, glyph of theirs."""
    return [
        (name, number * len(mine) + offset, a, b)
        for name, photo in ours.items()
        for number, windows in enumerate(zip(photo["windows"], theirs[name]["windows"], strict=False))
        if windows[0] != windows[1]
        for mine, his in [(glyphs_of(windows[0]), glyphs_of(windows[1]))]
        for offset, (a, b) in enumerate(zip(mine, his, strict=True))
        if _KINDS[a] != _KINDS[b]
    ]


def run_scenario(
    scenario: Scenario, kernel: str = "6.18", *, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Run all steps; ``before``, ``steps``, ``after`` and ``verify`` in the recordings' shape.

    Each step also has the ``counters`` of /proc/vmstat that changed in it, and, if nothing happened in it,
    ``why``. ``children``: photographs of them; ``charges``: pages of the cgroups, and their limits.
    """
    run = start_run(scenario, kernel, before)
    try:
        steps = []
        for number, step in enumerate(scenario.steps, 1):
            now(f"step {number} of {len(scenario.steps)} runs, {step['type']}", run.machine)
            steps.append(_watched(run, step))
        now("the pages are looked at after the last step")
    except KernelError as error:
        raise ScenarioError(str(error)) from error
    living = list(everybody(run.actors))
    optional = {
        "children": {each.name: run.photograph(each) for each in living if "." in each.name},
        "charges": {
            each.name: {"pages": memcg.usage, "limit": memcg.max}
            for each in living
            if (memcg := each.process.mm.memcg) is not None
        },
        "missing_settings": run.missing_settings,
    }
    return {
        "name": scenario.name,
        "before": run.before,
        "steps": steps,
        "after": run.photographs(),
        "verify": {name: actor.verify() for name, actor in run.actors.items() if actor.alive},
        **{key: value for key, value in optional.items() if value},
    }


def _watched(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    vmstat = run.machine.kernel.vmstat
    before = list(vmstat)
    seen = run.step(step)
    changes = ((name, new - old) for name, new, old in zip(EVENTS, vmstat, before, strict=True))
    seen["counters"] = {name: change for name, change in changes if change}
    why = why_nothing(run, step, seen)
    return {**seen, "why": why} if why else seen
