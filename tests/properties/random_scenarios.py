"""Scenarios drawn from all that the format has: a kernel answers each, or says in words why not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from thplab.kernels import PROFILES
from thplab.scenario.gaps import GAPS
from thplab.scenario.settings import SETTINGS
from thplab.scenario.spec import ADVICE, INTRUDER_OPS, OPS
from thplab.scenario.steps import STEPS
from thplab.scenario.values import LAST_PAGE

__all__ = ["KERNELS", "RandomScenario"]

KERNELS = tuple(PROFILES)
_PROTECTIONS, _KINDS = ("rw", "r", "none"), ("anon", "shared", "devzero", "memfd_shared", "memfd_private")
_RARE_KINDS = ("tmpfs_shared", "tmpfs_private", "file_private", "file_shared")
#: Ops that are not refused where all is mapped, most of the time.
_SURE = (
    ["write", "advise"] * 4 + ["read", "fork"] * 3 + ["write_same", "collapse", "swapout", "set", "mlock"]
    + ["munlock", "clear_refs", "pin", "prctl_thp_disable", "ksm_wait", "cgroup"]
)  # fmt: skip
_DEEPEST = 3


class RandomScenario:
    """One draw. ``wild``: also what is far away, very long or does not fit together."""

    def __init__(self, seed: str, *, wild: bool) -> None:
        """The same seed draws the same scenario."""
        self.draw = random.Random(seed)
        self.wild = wild
        self.entries = self._one([512, 512, 8, 8, 16, 64])
        self.top = 4 * self.entries if self.entries == 512 else 8 * self.entries
        self.children = 0
        self.names = ["a", "b", "c"][: self._one([1, 1, 1, 2, 3])]

    def _one(self, choices: Sequence[Any]) -> Any:
        return self.draw.choice(choices)

    def _maybe(self, chance: float) -> bool:
        return self.draw.random() < chance

    def _page(self) -> int:
        far = self.wild and self._maybe(0.03)
        return self._one([0, LAST_PAGE - 1, 1 << 20]) if far else self.draw.randrange(self.top)

    def _ranges(self) -> list[list[int]]:
        found = []
        for _ in range(self._one([1, 1, 2, 3])):
            first = self._page()
            if self._maybe(0.3):
                first -= first % self.entries
            lengths = [1, 1, 2, 5, self.entries // 2, self.entries, 2 * self.entries]
            end = min(first + self._one(lengths), LAST_PAGE if self.wild else self.top)
            found.append([first, end])
        return [[first, end] for first, end in found if first < end] or [[0, 1]]

    def _setting(self) -> tuple[str, Any]:
        key = self._one(list(SETTINGS))
        schema = SETTINGS[key].value.schema
        if "enum" in schema:
            return key, self._one(schema["enum"])
        number = schema["anyOf"][0]
        lowest, highest = number["minimum"], number["maximum"]
        value = self._one(
            [lowest, highest, SETTINGS[key].default, min(highest, lowest + self.draw.randrange(1000))]
        )
        if key.startswith("max_ptes") and not (self.wild and self._maybe(0.1)):
            value = self.draw.randrange(self.entries)
        if value is None or (key.endswith("sleep_millisecs") and not self.wild):
            value = max(lowest, min(highest, self._one([10, 1000, 60_000])))
        return key, str(value) if self._maybe(0.1) else value

    def _settings(self) -> dict[str, Any]:
        return dict(self._setting() for _ in range(self.draw.randrange(4)))

    def _mmap(self) -> dict[str, Any]:
        op = {"op": "mmap", "start": self._one([0, 0, self._page()]), "pages": self.draw.randint(1, self.top)}
        if self.wild and self._maybe(0.02):
            op["pages"] = self._one([LAST_PAGE, 1 << 20])
        for key, choices, chance in (
            ("prot", _PROTECTIONS, 0.2), ("kind", _KINDS, 0.3), ("locked", [True, False], 0.1),
            ("foff", [0, 1, self.entries, 7], 0.1),
        ):  # fmt: skip
            if self._maybe(chance):
                op[key] = self._one(choices)
        if self._maybe(0.02):
            op["kind"] = self._one(_RARE_KINDS)
        return op

    def op(self, pool: Sequence[str], depth: int = 0) -> dict[str, Any]:
        """An op of the pool, with keys as its row has them."""
        what = self._one(pool)
        if what == "mmap":
            return self._mmap()
        op: dict[str, Any] = {"op": what}
        keys = (INTRUDER_OPS.get(what) or OPS[what]).keys
        if "pages" in keys and self._maybe(0.8):
            op["pages"] = self._ranges()
        for key, chance, choices in (
            ("gen", 0.3, range(100)), ("shuffle", 0.15, range(1000)), ("advice", 1, ADVICE),
            ("prot", 1, _PROTECTIONS), ("id", 0.4, "kxy"), ("mode", 0.5, ["wp", "missing", "missing|wp"]),
            ("extra_pages", 1, [0, 1, self.entries, 5000]), ("swappiness", 1, [0, 0, 0, 60]),
            ("flags", 0.6, range(4)), ("disable", 0.3, [True, False]), ("dontunmap", 0.3, [True, False]),
            ("to", 1, range(2 * self.top)),
        ):  # fmt: skip
            if key in keys and self._maybe(chance):
                op[key] = self._one(choices)
        if "from" in keys:
            op["from"] = self._ranges()[0]
        if what == "uffd_wp":
            op["protect"] = self._ranges()
        if what == "set":
            op["key"], op["value"] = self._setting()
        if what == "kid":
            op["ops"] = self._ops(depth + 1) if depth < _DEEPEST else []
        return op

    def _ops(self, depth: int = 0) -> list[dict[str, Any]]:
        if self.wild or self._maybe(0.1):
            return [self.op(list(OPS), depth) for _ in range(self._one([0, 1, 2, 4]))]
        return [op for _ in range(self._one([0, 1, 2, 4])) for op in self._sure(depth)]

    def _sure(self, depth: int) -> list[dict[str, Any]]:
        """An op, and perhaps what a child does that it starts."""
        op = self.op(_SURE, depth)
        if op["op"] != "fork":
            return [op]
        self.children += 1
        op["id"] = kid = f"k{self.children}" if self.children > 1 else "k"
        does = [] if depth >= _DEEPEST else [{"op": "kid", "id": kid, "ops": self._ops(depth + 1)}]
        return [op, *does, *[{"op": "kid_exit", "id": kid}] * self._maybe(0.3)]

    def _set_up(self) -> list[dict[str, Any]]:
        """Mostly a mapping with pages in it at which khugepaged looks; the ops that follow may undo that."""
        mapping = {**self._mmap(), "start": 0, "pages": self.top}
        ops = [mapping if self.wild else {**mapping, "prot": "rw"}]
        ops += [{"op": "write", "pages": self._ranges()}] * self._maybe(0.6)
        ops += [{"op": "write"}] * self._maybe(0.4)
        return ops + self._ops() + [{"op": "advise", "advice": "hugepage"}] * self._maybe(0.7) + self._ops()

    def _intruder(self) -> dict[str, Any]:
        intruder = {"at": self._one(list(GAPS)), "op": self.op(list(INTRUDER_OPS), _DEEPEST)}
        if self._maybe(0.3):
            intruder["nth"] = self.draw.randint(1, 4)
        if self._maybe(0.4):
            intruder["proc"] = self._one([*self.names, f"{self.names[0]}.k"])
        return intruder

    def _step(self) -> dict[str, Any]:
        kind = self._one(["khugepaged"] * 4 + ["madvise_collapse"] * 3 + list(STEPS))
        keys, step = STEPS[kind].keys, {"type": kind}
        if "proc" in keys and self._maybe(0.4):
            step["proc"] = self._one(self.names)
        if "wakeups" in keys and self._maybe(0.3):
            step["wakeups"] = self._one([1, 2, 3, 10])
        if "ranges" in keys and self._maybe(0.5):
            step["ranges"] = self._ranges()
        if "touches" in keys:
            pages = [self._page() for _ in range(self.draw.randrange(5))]
            step["touches"] = [{"page": page, "write": self._maybe(0.5)} for page in pages]
        if "ops" in keys:
            step["ops"] = self._ops()
        if "settings" in keys:
            step["settings"] = self._settings()
        if "milliseconds" in keys:
            step["milliseconds"] = self._one([1, 100, 10_000, 60_000, *[1 << 40] * self.wild])
        if "intruders" in keys and self._maybe(0.6):
            step["intruders"] = [self._intruder() for _ in range(self.draw.randint(1, 4))]
        return step

    def _machine(self) -> dict[str, Any]:
        entries = self.entries
        sizes = [0, 2 * entries, 9 * entries, 40 * entries, *[0, 1, entries, 1 << 25] * self.wild]
        optional = {
            "memory_pages": (0.2, sizes),
            "start_pfn": (0.15, [0, 1, 511, 0x1000, 1 << 32]),
            "region": (0.1, [0, 1 << 21, 1 << 30, (1 << 47) - (1 << 21), 0x7FDA81800000]),
            "keeper": (0.15, [False]),
            "memory": (0.1, ["fragmented", "full"]),
            "free_pages": (0.1, [0, 1, 256]),
            "unmovable_blocks": (0.1, [0, 1, 3]),
            "swap_pages": (0.15, [0, 1, 1000]),
        }
        drawn = [key for key, (chance, _) in optional.items() if self._maybe(chance)]
        machine = {key: self._one(optional[key][1]) for key in drawn}
        for key in ("region", "memory") if entries != 512 and not self.wild else ():
            machine.pop(key, None)
        return {**machine, "entries": entries} if entries != 512 else machine

    def data(self) -> dict[str, Any]:
        """A scenario as it stands in a file."""
        found: dict[str, Any] = {"settings": self._settings()} if self._maybe(0.7) else {}
        if len(self.names) == 1 and self._maybe(0.7):
            found["ops"] = self._set_up()
        else:
            found["procs"] = [{"name": name, "ops": self._set_up()} for name in self.names]
        steps = [self._step() for _ in range(self._one([1, 1, 2, 4]))]
        found.update({"action": steps[0]} if len(steps) == 1 else {"steps": steps})
        if self._maybe(0.2):
            found["setup_settings"] = self._settings()
        if self._maybe(0.1):
            found["budget"] = True
        if self._maybe(0.3):
            found["lru_gen"] = self._one([0, 1])
        return {**found, "machine": self._machine()}
