"""The door of a machine: each parameter of each public method is given what it can't take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from tests.invariants import check, whole_state
from thplab.machine import Machine, Process
from thplab.mm.include.errors import KernelError

ADDRESS, PAGE = 1 << 40, 4096


class Hostile:
    """Raises at whatever is asked."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __index__(self) -> int:
        raise RuntimeError("no")


WRONG: dict[str, list[Any]] = {
    "int": [
        4096.0,
        float("nan"),
        "4096",
        b"1",
        True,
        None,
        [1],
        {},
        1j,
        np.float64(4096),
        np.bool_(True),
        object(),
    ],
    "float": ["1", None, True, float("nan"), float("inf"), [1.0], 1j, np.bool_(True), object(), 10**400],
    "bool": [0, 1, "yes", None, np.bool_(True), [], object()],
    "str": [5, None, b"rw", True, ["rw"], 1.5, object()],
    "Iterable[tuple[str, object]]": [5, None, "enabled", [("enabled",)], [5], [(1, 2)], [("a", "b", "c")]],
    "AddressSpace": [5, "file", None, object()],
    "MemCgroup": [5, "group", None, object()],
    "Memory": [5, "free", object()],
    "Mapping[str, object]": [5, "fact", [("a", 1)], object()],
}
#: Of the right type, but perhaps not possible.
EDGES: dict[str, list[Any]] = {
    "int": [
        0,
        -1,
        1,
        4095,
        1 << 21,
        1 << 40,
        (1 << 47) - 4096,
        1 << 47,
        1 << 63,
        1 << 64,
        -(1 << 70),
        1 << 200,
    ],
    "float": [-1, -0.5, 0, 1e-9, 1e300],
    "bool": [True, False],
    "str": ["", "x", "a" * 10_000, "\0", "\ud800", "9" * 5000, "-1", "rw|r", "../enabled", "enabled"],
}
ARGUMENTS: dict[str, Any] = {
    "name": "new", "path": "enabled", "value": "madvise", "knobs": [("enabled", "always")],
    "milliseconds": 1.0,
    "start": ADDRESS, "length": 16 * PAGE, "prot": "rw", "shared": False, "locked": False, "file": None,
    "pgoff": 0,
    "old": ADDRESS, "old_length": PAGE, "new_length": PAGE, "new": ADDRESS + (1 << 30), "dontunmap": False,
    "mode": "wp", "protect": True, "flags": 0, "disable": True, "advice": "cold", "address": ADDRESS,
    "token": 7,
    "page": 0, "text": "1", "kernel": "6.18", "memory_pages": 16384, "start_pfn": 0x1000, "entries": 512,
    "swap_pages": 0, "lru_gen": None, "memory": None, "what_if": None,
}  # fmt: skip


SPECIAL = {
    "read_sysctl": {"path": "/proc/sys/vm/min_free_kbytes"},
    "write_sysctl": {"path": "/proc/sys/vm/min_free_kbytes", "value": 1000},
    "vmstat": {"name": "pgfault"},
}


def methods() -> Iterator[tuple[type, str]]:
    for kind in (Machine, Process):
        for name, each in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_") and len(inspect.signature(each).parameters) > 1:
                yield kind, name


METHODS = list(methods())
PARAMETERS = [
    (kind, name, parameter)
    for kind, name in [*METHODS, (Machine, "__init__")]
    for parameter in list(inspect.signature(getattr(kind, name)).parameters.values())[1:]
]
IDS = [f"{kind.__name__}.{name}-{parameter.name}" for kind, name, parameter in PARAMETERS]


def world() -> tuple[Machine, Process, dict[str, Any]]:
    machine = Machine(memory_pages=2048, swap_pages=64)
    process = machine.process("app")
    process.mmap(ADDRESS, 16 * PAGE)
    for page in range(8):
        process.write(ADDRESS + page * PAGE, page + 1)
    own = {
        "file": process.memfd_create("f", PAGE),
        "memcg": machine.cgroup("g"),
        "page": process.pin(ADDRESS),
    }
    return machine, process, own


def prepared(kind: type, name: str) -> tuple[Machine, Callable[..., Any], dict[str, Any]]:
    machine, process, own = world()
    call = getattr(machine if kind is Machine else process, name)
    names = list(inspect.signature(call).parameters)
    given = {each: own[each] if each in own else ARGUMENTS[each] for each in names}
    given.update(SPECIAL.get(name, {}))
    if name == "uffd_writeprotect":
        process.uffd_register(ADDRESS, 16 * PAGE)
    return machine, call, given


@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_the_arguments_here_are_right_ones(kind: type, name: str) -> None:
    _, call, given = prepared(kind, name)
    call(**given)


@pytest.mark.parametrize(("kind", "name", "parameter"), PARAMETERS, ids=IDS)
def test_a_wrong_type_is_refused_in_words_and_changes_nothing(
    kind: type, name: str, parameter: inspect.Parameter
) -> None:
    hint = str(parameter.annotation)
    if hint == "object":
        return
    maybe = hint.endswith(" | None")
    wrong = [value for value in WRONG[hint.removesuffix(" | None")] if not (maybe and value is None)]
    if name == "__init__":
        for value in wrong:
            with pytest.raises(TypeError, match=f"Machine: {parameter.name}=.* is not accepted; allowed: "):
                Machine(**{parameter.name: value})
        return
    machine, call, given = prepared(kind, name)
    state = whole_state(machine.kernel)
    for value in [*wrong, Hostile()]:
        with pytest.raises((TypeError, RuntimeError), match=f"{name}: {parameter.name}=.*allowed: |^no$"):
            call(**{**given, parameter.name: value})
        with pytest.raises((TypeError, RuntimeError)):
            call(*{**given, parameter.name: value}.values()) if _positional(call) else call(
                value, 1, 2, 3, 4, 5, 6
            )
        assert whole_state(machine.kernel) == state


def _positional(call: Callable[..., Any]) -> bool:
    return all(
        each.kind is each.POSITIONAL_OR_KEYWORD for each in inspect.signature(call).parameters.values()
    )


@pytest.mark.parametrize(("kind", "name", "parameter"), PARAMETERS, ids=IDS)
def test_an_edge_is_done_or_refused_as_the_kernel_would(
    kind: type, name: str, parameter: inspect.Parameter
) -> None:
    """ESRCH and its like, ValueError or MemoryError; the machine stays whole, and another call works."""
    hint = str(parameter.annotation).removesuffix(" | None")
    edges = EDGES["str" if hint == "object" else hint] if hint in (*EDGES, "object") else []
    if name == "__init__":
        for value in edges if parameter.annotation != "object" else []:
            if str(parameter.annotation) in ("int", "str", "bool"):
                try:
                    Machine(**{parameter.name: value})
                except (ValueError, MemoryError):
                    continue
        return
    for value in edges:
        machine, call, given = prepared(kind, name)
        with suppress(KernelError, ValueError, MemoryError):
            call(**{**given, parameter.name: value})
        assert machine.kernel.current.comm == "swapper"
        machine.process("another").mmap(ADDRESS, PAGE)


@pytest.mark.parametrize("kind", [np.int64, np.uint32, np.int8])
def test_integers_of_other_libraries_are_integers(kind: type) -> None:
    machine, process, own = world()
    process.write(ADDRESS, kind(5))
    assert process.read(np.int64(ADDRESS)) == 5
    assert type(process.read(ADDRESS)) is int
    process.mmap(np.int64(ADDRESS + (1 << 30)), np.int64(PAGE))
    assert type(process.mm.vmas[-1].vm_end) is int
    check(machine, [own["page"]])


def test_what_was_accepted_once_is_checked_again() -> None:
    _, process, _ = world()
    for _ in range(3):
        process.write(ADDRESS, 5)
        with pytest.raises(TypeError):
            process.write(ADDRESS, 5.0)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            process.write(ADDRESS, True)


def test_a_page_that_is_not_pinned_can_not_be_unpinned() -> None:
    machine, process, own = world()
    state = whole_state(machine.kernel)
    for page in (own["page"] + 1, -1, 10**9):
        with pytest.raises(ValueError, match="is not pinned"):
            process.unpin(page)
        assert whole_state(machine.kernel) == state
    process.unpin(own["page"])
    with pytest.raises(ValueError, match="is not pinned"):
        process.unpin(own["page"])
    check(machine)


def test_files_and_groups_of_another_machine_are_refused() -> None:
    machine, process, _ = world()
    _, _, other = world()
    state = whole_state(machine.kernel)
    for call in (
        lambda: process.enter_cgroup(other["memcg"]),
        lambda: process.close(other["file"]),
        lambda: process.mmap(ADDRESS + (1 << 30), PAGE, shared=True, file=other["file"]),
    ):
        with pytest.raises(ValueError, match="of this machine"):
            call()
        assert whole_state(machine.kernel) == state


def test_a_handle_that_is_closed_is_closed() -> None:
    machine, process, own = world()
    process.close(own["file"])
    state = whole_state(machine.kernel)
    with pytest.raises(ValueError, match="of this machine"):
        process.close(own["file"])
    assert whole_state(machine.kernel) == state
