"""What a scenario's processes do: each op becomes the system calls and faults that it stands for."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.page import PG_isolated, PG_locked, folio_trylock, folio_unlock
from thplab.mm.include.sched import Task
from thplab.mm.kthread import running
from thplab.mm.swap import folio_isolate_lru, folio_putback_lru
from thplab.mm.vmscan.shrink_folio import reclaim_pages
from thplab.scenario.actor import DEFAULT_KID, Actor, token
from thplab.scenario.errors import ScenarioError, Unsupported
from thplab.scenario.observe import folio_at
from thplab.scenario.settings import store_settings

__all__ = ["perform"]

#: What ``write_same`` puts into every page.
_SAME = 0xFFFFFFFF


def perform(actor: Actor, op: Mapping[str, Any], *, holds_lock: bool = False) -> None:
    """Carry out one op. Raises Unsupported (the model can't), ScenarioError (it can't be done).

    ``holds_lock``: the caller has seen to it that the lock which the op needs is free, whoever holds others.
    """
    act = _OPS[op["op"]]
    if op["op"] != "unlock_mm" and not holds_lock:
        actor.refuse_to_wait(op["op"])
    try:
        act(actor, op)
    except KernelError as error:
        raise ScenarioError(f"{op['op']}: {error}") from error


def _mmap(actor: Actor, op: Mapping[str, Any]) -> None:
    kind, foff = op.get("kind", "anon"), op.get("foff", 0)
    if kind.startswith("file"):
        raise Unsupported(f"mmap of kind {kind!r} is not modelled: no file system, only files in memory")
    first, end = op["start"], op["start"] + op["pages"]
    process, shared = actor.process, kind in ("shared", "memfd_shared")
    place, prot, locked = actor.place(first, end), op.get("prot", "rw"), bool(op.get("locked", False))
    if kind.startswith("memfd"):
        file = process.memfd_create("thplab", place[1] + foff * 4096)
        process.mmap(*place, prot, shared=shared, file=file, pgoff=foff, locked=locked)
        process.close(file)
    else:  # private /dev/zero is anonymous memory
        process.mmap(*place, prot, shared=shared, locked=locked)
    actor.note_mapping(first, end, shared=shared)


def _munmap(actor: Actor, op: Mapping[str, Any]) -> None:
    for first, end in actor.ranges(op):
        actor.process.munmap(*actor.place(first, end))
        actor.forget(first, end)


def _write(actor: Actor, op: Mapping[str, Any]) -> None:
    gen = op.get("gen", 0)
    for page in actor.pages(op):
        actor.process.write(actor.address(page), token(page, gen))
        actor.wrote(page, token(page, gen))


def _write_same(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in actor.pages(op):
        actor.process.write(actor.address(page), _SAME)
        actor.wrote(page, _SAME)


def _read(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in actor.pages(op):
        actor.process.read(actor.address(page))
        actor.memory_of(page).setdefault(page, 0)


def _advise(actor: Actor, op: Mapping[str, Any]) -> None:
    advice = op["advice"]
    refused = []
    ranges = actor.ranges(op)
    for first, end in _without(actor.spared, ranges) if advice == "pageout" else ranges:
        try:
            actor.process.madvise(*actor.place(first, end), advice)
        except KernelError as error:
            refused.append([first, end, -1, errno.errorcode[error.errno or 0]])
            if advice == "dontneed":  # part of the range may have been dropped all the same
                actor.given_back.update(range(first, end))
        else:
            _after_advice(actor, advice, first, end)
    if refused:
        actor.log.append({"op": "advise", "advice": advice, "results": refused})


def _after_advice(actor: Actor, advice: str, first: int, end: int) -> None:
    """What the pages read from now on."""
    if advice == "dontneed":
        actor.forget(first, end, value=0)
    elif advice == "free":
        actor.given_back.update(range(first, end))
    elif advice == "guard_install":
        actor.forget(first, end)
    elif advice == "populate_write":
        for page in range(first, end):
            actor.expected.setdefault(page, 0)


def _mprotect(actor: Actor, op: Mapping[str, Any]) -> None:
    for first, end in actor.ranges(op):
        actor.process.mprotect(*actor.place(first, end), op["prot"])


def _mlock(actor: Actor, op: Mapping[str, Any]) -> None:
    for first, end in actor.ranges(op):
        actor.process.mlock(*actor.place(first, end))


def _prctl_thp_disable(actor: Actor, op: Mapping[str, Any]) -> None:
    number = 0
    try:
        actor.process.prctl_thp_disable(op.get("flags", 0))
    except KernelError as error:
        number = error.errno or 0
    actor.log.append({"op": "prctl_thp_disable", "ret": -1 if number else 0, "errno": number})


def _uffd_wp(actor: Actor, op: Mapping[str, Any]) -> None:
    for first, end in actor.ranges(op):
        actor.process.uffd_register(*actor.place(first, end), op.get("mode", "wp"))
    for first, end in op.get("protect", ()):
        actor.process.uffd_writeprotect(*actor.place(first, end))


def _cgroup(actor: Actor, op: Mapping[str, Any]) -> None:
    actor.process.enter_cgroup(actor.machine.cgroup(actor.name))


def _cgroup_limit(actor: Actor, op: Mapping[str, Any]) -> None:
    memcg = actor.process.mm.memcg
    if memcg is None:
        raise ScenarioError("cgroup_limit: the process is in no cgroup; allowed: after the op 'cgroup'")
    if op.get("swappiness", 60):
        raise Unsupported("reclaim inside a cgroup is not modelled; allowed: swappiness 0")
    memcg.max = memcg.usage + op["extra_pages"]


def _ksm_wait(actor: Actor, op: Mapping[str, Any]) -> None:
    actor.machine.run_ksmd()
    actor.log.append({"op": "ksm_wait"})


def _set(actor: Actor, op: Mapping[str, Any]) -> None:
    store_settings(actor.machine, {op["key"]: op["value"]})


def _without(pages: Collection[int], ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The ranges less these pages."""
    for first, end in ranges:
        for page in sorted(page for page in pages if first <= page < end):
            if first < page:
                yield first, page
            first = page + 1
        if first < end:
            yield first, end


def _fork(actor: Actor, op: Mapping[str, Any]) -> None:
    id_ = op.get("id", DEFAULT_KID)
    if id_ in actor.kids and actor.kids[id_].alive:
        raise ScenarioError(f"fork: there is a child {id_!r} already; give this one another id")
    actor.fork(id_)


def _kid(actor: Actor, op: Mapping[str, Any]) -> None:
    kid = actor.kid(op)
    for each in op["ops"]:
        perform(kid, each)


def _kid_exit(actor: Actor, op: Mapping[str, Any]) -> None:
    actor.kid(op).refuse_to_wait("kid_exit")
    actor.kid(op).process.exit()


def _pin(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in actor.pages(op):
        actor.pins.setdefault(page, []).append(actor.process.pin(actor.address(page)))


def _unpin(actor: Actor, op: Mapping[str, Any]) -> None:
    for page in list(actor.pages(op)) if "pages" in op else list(actor.pins):
        if page not in actor.pins:
            raise ScenarioError(f"unpin: page {page} is not pinned; allowed: {sorted(actor.pins)[:8]}")
        for held in actor.pins.pop(page):
            actor.process.unpin(held)


def _clear_refs(actor: Actor, op: Mapping[str, Any]) -> None:
    actor.process.clear_refs()


def _lock_mm(actor: Actor, op: Mapping[str, Any]) -> None:
    down_write(actor.process.mm.mmap_lock, "somebody")


def _unlock_mm(actor: Actor, op: Mapping[str, Any]) -> None:
    if not actor.mmap_lock_is_taken:
        raise ScenarioError("unlock_mm: nobody holds the mmap_lock; allowed: after lock_mm")
    up_write(actor.process.mm.mmap_lock)


def _lock_page(actor: Actor, op: Mapping[str, Any]) -> None:
    mem_map = actor.machine.kernel.mem_map
    for page, folio in _folios(actor, op):
        if not folio_trylock(mem_map, folio):
            raise ScenarioError(f"lock_page: page {page} is locked already")


def _unlock_page(actor: Actor, op: Mapping[str, Any]) -> None:
    mem_map = actor.machine.kernel.mem_map
    for page, folio in _folios(actor, op):
        if not mem_map.flags[folio] & PG_locked:
            raise ScenarioError(f"unlock_page: page {page} is not locked")
        folio_unlock(mem_map, folio)


def _isolate_page(actor: Actor, op: Mapping[str, Any]) -> None:
    """Somebody (reclaim, compaction) has taken the pages off the LRU and not yet decided about them."""
    for page, folio in _folios(actor, op):
        if not folio_isolate_lru(actor.machine.kernel, folio):
            raise ScenarioError(f"isolate_page: page {page} is not on the LRU")


def _putback_page(actor: Actor, op: Mapping[str, Any]) -> None:
    for page, folio in _folios(actor, op):
        if not actor.machine.kernel.mem_map.flags[folio] & PG_isolated:
            raise ScenarioError(f"putback_page: page {page} is not isolated")
        folio_putback_lru(actor.machine.kernel, folio)


def _swapout(actor: Actor, op: Mapping[str, Any]) -> None:
    """Reclaim comes by: kswapd takes the pages off the LRU and writes them to swap, where it can."""
    kernel = actor.machine.kernel
    folios = [folio_at(actor.process, actor.address(page)) for page in actor.pages(op)]
    with running(kernel, Task("kswapd0", 0, kthread=True)):
        on_lru = [folio for folio in dict.fromkeys(folios) if folio is not None]
        reclaim_pages(kernel, [folio for folio in on_lru if folio_isolate_lru(kernel, folio)])


def _collapse(actor: Actor, op: Mapping[str, Any]) -> None:
    for first, end in actor.ranges(op):
        try:
            actor.process.madvise(*actor.place(first, end), "collapse")
        except KernelError as error:
            actor.log.append(
                {"op": "collapse", "pages": [first, end], "errno": errno.errorcode[error.errno or 0]}
            )


def _folios(actor: Actor, op: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """The pages of an op and the folios that they lie in."""
    for page in actor.pages(op):
        folio = folio_at(actor.process, actor.address(page))
        if folio is None:
            raise ScenarioError(f"{op['op']}: page {page} is not in memory")
        yield page, folio


_OPS: dict[str, Callable[[Actor, Mapping[str, Any]], None]] = {
    "mmap": _mmap,
    "munmap": _munmap,
    "write": _write,
    "write_same": _write_same,
    "read": _read,
    "advise": _advise,
    "fork": _fork,
    "kid": _kid,
    "kid_exit": _kid_exit,
    "mprotect": _mprotect,
    "mlock": _mlock,
    "prctl_thp_disable": _prctl_thp_disable,
    "uffd_wp": _uffd_wp,
    "cgroup": _cgroup,
    "cgroup_limit": _cgroup_limit,
    "ksm_wait": _ksm_wait,
    "set": _set,
    "pin": _pin,
    "unpin": _unpin,
    "clear_refs": _clear_refs,
    "lock_mm": _lock_mm,
    "unlock_mm": _unlock_mm,
    "lock_page": _lock_page,
    "unlock_page": _unlock_page,
    "isolate_page": _isolate_page,
    "putback_page": _putback_page,
    "swapout": _swapout,
    "collapse": _collapse,
}
