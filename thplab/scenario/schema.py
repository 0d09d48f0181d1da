"""What a scenario may look like: checks that say which key is wrong and what is allowed there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from reprlib import Repr
from typing import Any, TypeGuard

from thplab.scenario.errors import ScenarioError
from thplab.scenario.gaps import GAPS, INTRUDER_OPS
from thplab.scenario.settings import SETTINGS

__all__ = [
    "ADVICE",
    "KINDS",
    "LAST_PAGE",
    "OPS",
    "PROTECTIONS",
    "STEPS",
    "check_scenario",
    "check_settings",
    "refuse",
]

#: Page numbers go up to here: 512 GiB from page 0 of the region.
LAST_PAGE = 1 << 27
#: How deep children may have children.
_DEEPEST = 4

PROTECTIONS = ("rw", "r", "none")
KINDS = ("anon", "shared", "devzero", "memfd_shared", "memfd_private", "file_private", "file_shared")
ADVICE = (
    "hugepage", "nohugepage", "dontneed", "pageout", "cold", "free", "populate_write", "guard_install",
    "mergeable",
)  # fmt: skip

Check = Callable[[object, str, int], None]

_shorten = Repr()
_shorten.maxstring = _shorten.maxother = 60


def refuse(where: str, value: object, allowed: str) -> ScenarioError:
    """The error that names a key, what stood there and what is allowed."""
    return ScenarioError(f"{where}: {_shorten.repr(value)} is not accepted; allowed: {allowed}")


def is_int(value: object) -> TypeGuard[int]:
    """An integer, and not a truth value."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """A list, or a tuple as Python code would write it."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _number(lowest: int, highest: int) -> Check:
    def check(value: object, where: str, depth: int) -> None:
        if not is_int(value) or not lowest <= value <= highest:
            raise refuse(where, value, f"an integer from {lowest} to {highest}")

    return check


def _word(words: Sequence[str]) -> Check:
    def check(value: object, where: str, depth: int) -> None:
        if not isinstance(value, str) or value not in words:
            near = get_close_matches(value[:40], words, n=1) if isinstance(value, str) else []
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise refuse(where, value, " | ".join(words) + hint)

    return check


def _any(value: object, where: str, depth: int) -> None:
    """Checked elsewhere, together with another key."""


def _text(value: object, where: str, depth: int) -> None:
    if not isinstance(value, str):
        raise refuse(where, value, "a text")


def _name(value: object, where: str, depth: int) -> None:
    if not isinstance(value, str) or not value or not value.replace("_", "a").isalnum():
        raise refuse(where, value, "a name of letters, digits and _")


def _flag(value: object, where: str, depth: int) -> None:
    if value not in (True, False):
        raise refuse(where, value, "true or false")


def _pages(value: object, where: str, depth: int) -> None:
    if not is_list(value):
        raise refuse(where, value, "a list of ranges [first, end)")
    for number, each in enumerate(value):
        good = is_list(each) and len(each) == 2 and is_int(each[0]) and is_int(each[1])
        if not good or not 0 <= each[0] < each[1] <= LAST_PAGE:
            raise refuse(f"{where}[{number}]", each, f"[first, end) with 0 <= first < end <= {LAST_PAGE}")


def _settings(value: object, where: str, depth: int) -> None:
    for key, each in _object(value, where).items():
        if key not in SETTINGS:
            raise _unknown(where, key, SETTINGS)
        if not SETTINGS[key].legal(each):
            raise refuse(f"{where}.{key}", each, SETTINGS[key].allowed)


def check_settings(settings: Mapping[str, Any], where: str) -> None:
    """Raises ScenarioError for a setting that there is not, or a value that its file refuses."""
    _settings(settings, where, 0)


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise refuse(where, value, "an object with keys")
    return value


def _unknown(where: str, key: str, known: Sequence[str] | Mapping[str, Any]) -> ScenarioError:
    near = get_close_matches(key[:40], list(known), n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return ScenarioError(f"{where}: unknown key {_shorten.repr(key)}; allowed: {', '.join(known)}{hint}")


def _fields(
    value: Mapping[str, Any], where: str, checks: Mapping[str, Check], needed: Sequence[str], depth: int
) -> None:
    for key, each in value.items():
        if key not in checks:
            raise _unknown(where, key, checks)
        checks[key](each, f"{where}.{key}" if where else key, depth)
    for key in needed:
        if key not in value:
            raise ScenarioError(f"{where or 'scenario'}: the key {key!r} is missing")


def _one_of(tag: str, kinds: Mapping[str, tuple[Mapping[str, Check], Sequence[str]]]) -> Check:
    """An object whose key ``tag`` says which of ``kinds`` it is, and so which other keys it has."""

    def check(value: object, where: str, depth: int) -> None:
        data = _object(value, where)
        if tag not in data:
            raise ScenarioError(f"{where}: the key {tag!r} is missing; allowed: {', '.join(kinds)}")
        _word(tuple(kinds))(data[tag], f"{where}.{tag}", depth)
        checks, needed = kinds[data[tag]]
        _fields(data, where, {tag: _text, **checks}, needed, depth)

    return check


def _list_of(check: Check, *, least: int = 0) -> Check:
    def check_all(value: object, where: str, depth: int) -> None:
        if not is_list(value) or len(value) < least:
            raise refuse(where, value, "a list" + (" that is not empty" if least else ""))
        for number, each in enumerate(value):
            check(each, f"{where}[{number}]", depth)

    return check_all


def _ops(value: object, where: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise ScenarioError(f"{where}: children are nested more than {_DEEPEST} deep")
    _list_of(_one_of("op", OPS))(value, where, depth + 1)
    assert is_list(value)
    for number, op in enumerate(value):
        if op["op"] == "set":
            _settings({op["key"]: op["value"]}, f"{where}[{number}]", depth)


_PLACE = {"pages": _pages}
_ANY_NUMBER = _number(0, (1 << 31) - 1)

#: op -> (its keys, those that it must have)
OPS: dict[str, tuple[Mapping[str, Check], Sequence[str]]] = {
    "mmap": (
        {
            "start": _number(0, LAST_PAGE - 1),
            "pages": _number(1, LAST_PAGE),
            "prot": _word(PROTECTIONS),
            "kind": _word(KINDS),
            "locked": _flag,
            "foff": _number(0, LAST_PAGE),
        },
        ("start", "pages"),
    ),
    "write": ({**_PLACE, "gen": _ANY_NUMBER, "shuffle": _ANY_NUMBER}, ()),
    "read": ({**_PLACE, "shuffle": _ANY_NUMBER}, ()),
    "write_same": (_PLACE, ()),
    "advise": ({**_PLACE, "advice": _word(ADVICE)}, ("advice",)),
    "munmap": (_PLACE, ()),
    "mprotect": ({**_PLACE, "prot": _word(PROTECTIONS)}, ("prot",)),
    "mlock": (_PLACE, ()),
    "fork": ({"id": _name}, ()),
    "kid": ({"id": _name, "ops": _ops}, ("ops",)),
    "kid_exit": ({"id": _name}, ()),
    "pin": (_PLACE, ()),
    "unpin": (_PLACE, ()),
    "clear_refs": ({}, ()),
    "uffd_wp": ({**_PLACE, "mode": _word(("wp", "missing")), "protect": _pages}, ()),
    "cgroup": ({}, ()),
    "cgroup_limit": ({"extra_pages": _number(0, LAST_PAGE), "swappiness": _number(0, 200)}, ("extra_pages",)),
    "set": ({"key": _word(tuple(SETTINGS)), "value": _any}, ("key", "value")),
    "prctl_thp_disable": ({"flags": _ANY_NUMBER}, ()),
    "ksm_wait": ({}, ()),
    # Ours: somebody in the kernel holds the mmap_lock for writing, or page locks, for a while.
    "lock_mm": ({}, ()),
    "unlock_mm": ({}, ()),
    "lock_page": (_PLACE, ()),
    "unlock_page": (_PLACE, ()),
    "isolate_page": (_PLACE, ()),
    "putback_page": (_PLACE, ()),
    "swapout": (_PLACE, ()),
    "collapse": (_PLACE, ()),
}


def _touch(value: object, where: str, depth: int) -> None:
    checks = {"page": _number(0, LAST_PAGE - 1), "write": _flag}
    _fields(_object(value, where), where, checks, ("page",), depth)


_PROC = {"proc": _name}


def _proc_name(value: object, where: str, depth: int) -> None:
    """A process, or a child of it: a.k."""
    if not isinstance(value, str) or not all(part.replace("_", "a").isalnum() for part in value.split(".")):
        raise refuse(where, value, "the name of a process, or of a child: a.k")


_INTRUDER_OPS = {**{kind: OPS[kind] for kind in INTRUDER_OPS if kind in OPS}, "exit": ({}, ())}


def _intruder(value: object, where: str, depth: int) -> None:
    checks = {
        "at": _word(tuple(GAPS)),
        "nth": _number(1, 1 << 20),
        "proc": _proc_name,
        "op": _one_of("op", _INTRUDER_OPS),
    }
    data = _object(value, where)
    _fields(data, where, checks, ("at", "op"), depth)
    if data["op"]["op"] == "set":
        _settings({data["op"]["key"]: data["op"]["value"]}, f"{where}.op", depth)


#: Ours: what other tasks do while a window is being collapsed.
_INTRUDERS = {"intruders": _list_of(_intruder)}

#: step -> (its keys, those that it must have)
STEPS: dict[str, tuple[Mapping[str, Check], Sequence[str]]] = {
    "khugepaged": ({**_PROC, **_INTRUDERS, "wakeups": _number(1, 100_000)}, ()),
    "madvise_collapse": ({**_PROC, **_INTRUDERS, "ranges": _pages}, ()),
    "fault": ({**_PROC, "touches": _list_of(_touch)}, ("touches",)),
    "ops": ({**_PROC, **_INTRUDERS, "ops": _ops}, ("ops",)),
    "exit": (_PROC, ()),
    "set": ({"settings": _settings}, ("settings",)),
    "none": (_PROC, ()),
    # Ours: time goes by, and khugepaged wakes up by itself; the sleep settings count from here on.
    "sleep": ({**_INTRUDERS, "milliseconds": _number(1, 1 << 40)}, ("milliseconds",)),
}


def _process(value: object, where: str, depth: int) -> None:
    _fields(_object(value, where), where, {"name": _name, "ops": _ops}, ("name", "ops"), depth)


_HUGE = 1 << 21
_TABLES = (8, 16, 32, 64, 128, 256, 512)


def _region(value: object, where: str, depth: int) -> None:
    _number(0, (1 << 47) - _HUGE)(value, where, depth)
    if is_int(value) and value % _HUGE:
        raise refuse(where, value, f"a multiple of {_HUGE}")


def _entries(value: object, where: str, depth: int) -> None:
    if not is_int(value) or value not in _TABLES:
        raise refuse(where, value, ", ".join(map(str, _TABLES)))


_MACHINE: dict[str, Check] = {
    "start_pfn": _number(0, 1 << 32),
    "memory_pages": _number(0, 1 << 25),
    "region": _region,
    "entries": _entries,
    "keeper": _flag,
}


def _machine(value: object, where: str, depth: int) -> None:
    _fields(_object(value, where), where, _MACHINE, (), depth)


_SCENARIO: dict[str, Check] = {
    "name": _text,
    "why": _text,
    "story": _text,
    "settings": _settings,
    "setup_settings": _settings,
    "ops": _ops,
    "procs": _list_of(_process, least=1),
    "action": _one_of("type", STEPS),
    "steps": _list_of(_one_of("type", STEPS)),
    "budget": _flag,
    "machine": _machine,
    "folios": _flag,
    "lru_gen": _number(0, 1),
}


def check_scenario(data: object) -> Mapping[str, Any]:
    """The data itself if it is a scenario, else ScenarioError."""
    scenario = _object(data, "scenario")
    _fields(scenario, "", _SCENARIO, (), 0)
    if ("ops" in scenario) == ("procs" in scenario):
        raise ScenarioError("a scenario has either 'ops' (one process, called a) or 'procs'")
    if ("action" in scenario) == ("steps" in scenario):
        raise ScenarioError("a scenario has either 'action' (one step) or 'steps'")
    names = [proc["name"] for proc in scenario.get("procs", ())]
    if len(set(names)) != len(names):
        raise ScenarioError(f"procs: two processes have the same name: {', '.join(names)}")
    for name in names:
        if name in ("keeper", "marker"):
            raise ScenarioError(f"procs: the name {name!r} is taken by an auxiliary process")
    return scenario
