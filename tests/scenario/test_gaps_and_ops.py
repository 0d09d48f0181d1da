"""Every op of an intruder at every gap: it acts, or waits, and what it wrote is what is read afterwards."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from tests.sampling import sample
from thplab.kernels import PROFILES
from thplab.scenario import Scenario, ScenarioRun, run_scenario
from thplab.scenario.gaps import GAPS
from thplab.scenario.spec import ADVICE, INTRUDER_OPS, Op

_KEYS: dict[str, list[dict[str, Any]]] = {
    "advise": [{"advice": advice} for advice in ADVICE],
    "mprotect": [{"prot": "r"}, {"prot": "none"}],
    "mmap": [{"start": 4, "pages": 8, "kind": kind, "locked": True} for kind in ("anon", "shared")],
    "mremap": [{"from": [0, 8], "to": 64, "dontunmap": stays} for stays in (False, True)],
    "fork": [{"id": "n"}],
    "set": [{"key": "enabled", "value": "never"}, {"key": "max_ptes_none", "value": 0}],
}
OPS = [{"op": name, **keys} for name in INTRUDER_OPS for keys in _KEYS.get(name, [{}])]
_BASE = [{"op": "mmap", "start": 0, "pages": 16}, {"op": "write"}]
_ADVISED = {"op": "advise", "advice": "hugepage"}
WORLDS = {
    "plain": [*_BASE, _ADVISED],
    "child": [*_BASE, {"op": "fork"}, {"op": "write", "pages": [[0, 5]]}, _ADVISED],
    "swapped": [*_BASE, {"op": "advise", "advice": "pageout", "pages": [[0, 3]]}, _ADVISED],
    "shared": [{**_BASE[0], "kind": "shared"}, {"op": "write"}, _ADVISED, _ADVISED],
}
STEPS = [{"type": "khugepaged"}, {"type": "madvise_collapse"}]
CASES = [
    (kernel, world, step, gap, ops, process)
    for kernel, world, step, gap in product(PROFILES, WORLDS, STEPS, GAPS)
    for ops in ([op, other] for op in OPS for other in (op, {"op": "fork", "id": "m"}, {"op": "write"}))
    for process in (["a", "a.k"] if world == "child" else ["a"])
]


@pytest.mark.parametrize("few", [150, pytest.param(20_000, marks=pytest.mark.long)])
def test_two_intruders_at_one_gap_do_what_they_would_or_wait(few: int) -> None:
    for kernel, world, step, gap, ops, process in sample(CASES, few):
        intruders = [{"at": gap, "proc": process, "op": op} for op in ops]
        data = {
            "ops": WORLDS[world],
            "action": {**step, "intruders": intruders},
            "machine": {"entries": 8},
            "settings": {"max_ptes_none": 7, "max_ptes_swap": 7, "max_ptes_shared": 7},
        }
        seen = run_scenario(Scenario.from_data(data), kernel)
        told = f"{kernel} {data}"
        assert all(each["ok"] for each in seen["verify"].values()), told
        assert not any("still waits" in each["ran"] for each in seen["steps"][0]["intruders"]), told


def test_the_locks_that_an_op_declares_are_what_keeps_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a declaration taken away, an op would sleep in its middle: that is refused, and not a failure."""
    from thplab.scenario import Unsupported, locks

    row = INTRUDER_OPS["collapse"]
    monkeypatch.setitem(INTRUDER_OPS, "collapse", Op(row.effect, row.act, row.keys, locks.NO_LOCK, True))
    intruder = {"at": "recheck", "op": {"op": "collapse"}}
    action = {"type": "madvise_collapse", "intruders": [intruder]}
    data = {"ops": WORLDS["plain"], "action": action, "machine": {"entries": 8}}
    run = ScenarioRun(Scenario.from_data(data))
    with pytest.raises(Unsupported, match="'collapse' at recheck: it would sleep for a lock in the middle"):
        run.step(run.scenario.steps[0])
