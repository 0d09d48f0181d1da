"""What a scenario's processes do: each op becomes the system calls and faults that it stands for."""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from thplab.mm.include.errors import KernelError
from thplab.scenario.actor import DEFAULT_KID, Actor, token
from thplab.scenario.errors import ScenarioError, Unsupported
from thplab.scenario.settings import store_settings

#: What ``write_same`` puts into every page.
_SAME = 0xFFFFFFFF


def mmap(actor: Actor, op: Mapping[str, Any]) -> None:
    """mmap at a fixed place; a memfd is made for it."""
    kind, foff = op.get("kind", "anon"), op.get("foff", 0)
    if kind.startswith(("file", "tmpfs")):
        raise Unsupported(f"mmap of kind {kind!r} is not modelled: no file system, only files in memory")
    first, end = op["start"], op["start"] + op["pages"]
    process, shared = actor.process, kind in ("shared", "memfd_shared")
    place, prot, locked = actor.place(first, end), op.get("prot", "rw"), bool(op.get("locked", False))
    with actor.turns:
        if kind.startswith("memfd"):
            file = process.memfd_create("thplab", place[1] + foff * 4096)
            process.mmap(*place, prot, shared=shared, file=file, pgoff=foff, locked=locked)
            process.close(file)
        else:  # private /dev/zero is anonymous memory
            process.mmap(*place, prot, shared=shared, locked=locked)
        actor.note_mapping(first, end, shared=shared)


def munmap(actor: Actor, op: Mapping[str, Any]) -> None:
    """munmap."""
    for first, end in actor.ranges(op):
        with actor.turns:
            actor.process.munmap(*actor.place(first, end))
            actor.forget(first, end)


def write(actor: Actor, op: Mapping[str, Any]) -> None:
    """Write a token into each page."""
    gen = op.get("gen", 0)
    _write(actor, op, lambda page: token(page, gen))


def write_same(actor: Actor, op: Mapping[str, Any]) -> None:
    """Write the same into each page."""
    _write(actor, op, lambda page: _SAME)


def _write(actor: Actor, op: Mapping[str, Any], contents: Callable[[int], int]) -> None:
    for page in actor.pages(op):
        with actor.turns:
            actor.process.write(actor.address(page), contents(page))
            actor.wrote(page, contents(page))


def read(actor: Actor, op: Mapping[str, Any]) -> None:
    """Read each page."""
    for page in actor.pages(op):
        with actor.turns:
            actor.process.read(actor.address(page))
            actor.memory_of(page).setdefault(page, 0)


def advise(actor: Actor, op: Mapping[str, Any]) -> None:
    """madvise; what is refused is logged."""
    advice = op["advice"]
    refused = []
    ranges = actor.ranges(op)
    for first, end in _without(actor.spared, ranges) if advice == "pageout" else ranges:
        with actor.turns:
            try:
                actor.process.madvise(*actor.place(first, end), advice)
            except KernelError as error:
                refused.append([first, end, -1, errno.errorcode[error.errno or 0]])
                if advice == "dontneed":  # part of the range may have been dropped all the same
                    actor.gave_back(first, end)
            else:
                _after_advice(actor, advice, first, end)
    if refused:
        actor.log.append({"op": "advise", "advice": advice, "results": refused})


def _after_advice(actor: Actor, advice: str, first: int, end: int) -> None:
    """What the pages read from now on."""
    if advice == "dontneed":
        actor.forget(first, end, value=0)
    elif advice == "free":
        actor.gave_back(first, end)
    elif advice == "guard_install":
        actor.forget(first, end)
    elif advice.startswith("populate"):
        for page in range(first, end):
            actor.expected.setdefault(page, 0)


def mprotect(actor: Actor, op: Mapping[str, Any]) -> None:
    """mprotect."""
    for first, end in actor.ranges(op):
        actor.process.mprotect(*actor.place(first, end), op["prot"])


def mlock(actor: Actor, op: Mapping[str, Any]) -> None:
    """mlock."""
    for first, end in actor.ranges(op):
        actor.process.mlock(*actor.place(first, end))


def munlock(actor: Actor, op: Mapping[str, Any]) -> None:
    """munlock."""
    for first, end in actor.ranges(op):
        actor.process.munlock(*actor.place(first, end))


def mremap(actor: Actor, op: Mapping[str, Any]) -> None:
    """mremap to a fixed place; what is refused is logged."""
    with actor.turns:
        _mremap(actor, op)


def _mremap(actor: Actor, op: Mapping[str, Any]) -> None:
    (first, end), to = op["from"], op["to"]
    pages, stays = op.get("new_pages", end - first), bool(op.get("dontunmap", False))
    old, new = actor.place(first, end), actor.place(to, to + pages)
    try:
        actor.process.mremap(*old, new[1], new[0], stays)
    except KernelError as error:
        actor.log.append({"op": "mremap", "errno": errno.errorcode[error.errno or 0]})
        return
    shared = actor.memory_of(first) is actor.shared
    last = first + min(pages, end - first)
    held = {page: value for page, value in actor.expected.items() if first <= page < last}
    actor.note_mapping(to, to + pages, shared=shared)
    actor.forget(first, end, value=0 if stays else None)
    if not shared:  # shared memory is known by the page number that parent and children have in common
        actor.expected.update({page - first + to: value for page, value in held.items()})
        actor.given_back.update(page - first + to for page in held if page in actor.given_back)


def prctl_thp_disable(actor: Actor, op: Mapping[str, Any]) -> None:
    """prctl(PR_SET_THP_DISABLE); the result is logged."""
    number = 0
    try:
        actor.process.prctl_thp_disable(op.get("flags", 0), disable=bool(op.get("disable", True)))
    except KernelError as error:
        number = error.errno or 0
    actor.log.append({"op": "prctl_thp_disable", "ret": -1 if number else 0, "errno": number})


def uffd_wp(actor: Actor, op: Mapping[str, Any]) -> None:
    """Register memory with the process's userfaultfd, then write-protect pages through it, or lift that."""
    for first, end in actor.ranges(op):
        actor.process.uffd_register(*actor.place(first, end), op.get("mode", "wp"))
    for key in ("protect", "unprotect"):
        for first, end in op.get(key, ()):
            actor.process.uffd_writeprotect(*actor.place(first, end), protect=key == "protect")


def uffd_unregister(actor: Actor, op: Mapping[str, Any]) -> None:
    """End the registration."""
    for first, end in actor.ranges(op):
        actor.process.uffd_unregister(*actor.place(first, end))


def cgroup(actor: Actor, op: Mapping[str, Any]) -> None:
    """Enter a new memory cgroup."""
    actor.process.enter_cgroup(actor.machine.cgroup(actor.name))


def cgroup_limit(actor: Actor, op: Mapping[str, Any]) -> None:
    """Limit the cgroup to what it uses now, and some pages more."""
    memcg = actor.process.mm.memcg
    if memcg is None:
        raise ScenarioError("cgroup_limit: the process is in no cgroup; allowed: after the op 'cgroup'")
    if op.get("swappiness", 60):
        raise Unsupported("reclaim inside a cgroup is not modelled; allowed: swappiness 0")
    memcg.max = memcg.usage + op["extra_pages"]


def ksm_wait(actor: Actor, op: Mapping[str, Any]) -> None:
    """Let ksmd merge all that it can."""
    actor.machine.run_ksmd()
    actor.log.append({"op": "ksm_wait"})


def set_knob(actor: Actor, op: Mapping[str, Any]) -> None:
    """Write a knob."""
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


def fork(actor: Actor, op: Mapping[str, Any]) -> None:
    """fork: a child that the scenario knows by an id."""
    id_ = op.get("id", DEFAULT_KID)
    if id_ in actor.kids and actor.kids[id_].alive:
        raise ScenarioError(f"fork: there is a child {id_!r} already; give this one another id")
    actor.fork(id_)


def kid_exit(actor: Actor, op: Mapping[str, Any]) -> None:
    """The child exits."""
    actor.kid(op).refuse_to_wait("kid_exit")
    actor.kid(op).process.exit()


def pin(actor: Actor, op: Mapping[str, Any]) -> None:
    """Take an extra reference on each page."""
    for page in actor.pages(op):
        actor.pins.setdefault(page, []).append(actor.process.pin(actor.address(page)))


def unpin(actor: Actor, op: Mapping[str, Any]) -> None:
    """Give the references back."""
    for page in list(actor.pages(op)) if "pages" in op else list(actor.pins):
        if page not in actor.pins:
            raise ScenarioError(f"unpin: page {page} is not pinned; allowed: {sorted(actor.pins)[:8]}")
        for held in actor.pins.pop(page):
            actor.process.unpin(held)


def clear_refs(actor: Actor, op: Mapping[str, Any]) -> None:
    """Clear the accessed marks."""
    actor.process.clear_refs()


def collapse(actor: Actor, op: Mapping[str, Any]) -> None:
    """madvise(MADV_COLLAPSE), range by range; what is refused is logged."""
    for first, end in actor.ranges(op):
        try:
            actor.process.madvise(*actor.place(first, end), "collapse")
        except KernelError as error:
            actor.log.append(
                {"op": "collapse", "pages": [first, end], "errno": errno.errorcode[error.errno or 0]}
            )
