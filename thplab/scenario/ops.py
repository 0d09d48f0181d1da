"""What a scenario's processes do: each op becomes the system calls and faults that it stands for."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Any

from thplab.mm.errors import KernelError
from thplab.scenario.actor import Actor, token
from thplab.scenario.errors import ScenarioError, Unsupported

__all__ = ["perform"]

_MODELLED_ADVICE = ("hugepage", "nohugepage", "dontneed")


def perform(actor: Actor, op: Mapping[str, Any]) -> None:
    """Carry out one op. Raises Unsupported (the model can't), ScenarioError (it can't be done)."""
    act = _OPS.get(op["op"])
    if act is None:
        raise Unsupported(f"op {op['op']!r} is not modelled")
    try:
        act(actor, op)
    except KernelError as error:
        raise ScenarioError(f"{op['op']}: {error}") from error


def _mmap(actor: Actor, op: Mapping[str, Any]) -> None:
    kind = op.get("kind", "anon")
    if kind != "anon" or op.get("locked"):
        raise Unsupported(f"mmap of kind {kind if kind != 'anon' else 'locked'!r} is not modelled")
    first, end = op["start"], op["start"] + op["pages"]
    actor.process.mmap(*actor.place(first, end), op.get("prot", "rw"))
    actor.mapped.append((first, end))
    actor.forget(first, end)


def _munmap(actor: Actor, op: Mapping[str, Any]) -> None:
    for first, end in actor.ranges(op):
        actor.process.munmap(*actor.place(first, end))
        actor.forget(first, end)


def _write(actor: Actor, op: Mapping[str, Any]) -> None:
    gen = op.get("gen", 0)
    for page in actor.pages(op):
        actor.process.write(actor.address(page), token(page, gen))
        actor.expected[page] = token(page, gen)


def _read(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in actor.pages(op):
        actor.process.read(actor.address(page))
        actor.expected.setdefault(page, 0)


def _advise(actor: Actor, op: Mapping[str, Any]) -> None:
    advice = op["advice"]
    if advice not in _MODELLED_ADVICE:
        raise Unsupported(f"advice {advice!r} is not modelled")
    refused = []
    for first, end in actor.ranges(op):
        try:
            actor.process.madvise(*actor.place(first, end), advice)
        except KernelError as error:
            refused.append([first, end, -1, errno.errorcode[error.errno or 0]])
        else:
            if advice == "dontneed":
                actor.forget(first, end, value=0)
    if refused:
        actor.log.append({"op": "advise", "advice": advice, "results": refused})


def _pin(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in actor.pages(op):
        actor.pins.setdefault(page, []).append(actor.process.pin(actor.address(page)))


def _unpin(actor: Actor, op: Mapping[str, Any]) -> None:
    chosen = list(actor.pages(op)) if "pages" in op else list(actor.pins)
    for page in chosen:
        if not actor.pins.get(page):
            raise ScenarioError(f"unpin: page {page} is not pinned; allowed: {sorted(actor.pins)[:8]}")
        while actor.pins[page]:
            actor.process.unpin(actor.pins[page].pop())


def _clear_refs(actor: Actor, op: Mapping[str, Any]) -> None:
    actor.process.clear_refs()


_OPS: dict[str, Callable[[Actor, Mapping[str, Any]], None]] = {
    "mmap": _mmap,
    "munmap": _munmap,
    "write": _write,
    "read": _read,
    "advise": _advise,
    "pin": _pin,
    "unpin": _unpin,
    "clear_refs": _clear_refs,
}
