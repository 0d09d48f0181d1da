"""The ops of a scenario, one row each: keys, lock, effect, and the function that carries it out.

Checking, running, intruders, the size of the machine, docs/scenario-format.md and the JSON Schema read this
table. The steps have theirs in steps.py, the settings theirs in settings.py, both of the same kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from thplab.mm.exit import exit_mm
from thplab.mm.include.errors import KernelError
from thplab.mm.kthread import running
from thplab.scenario import calls, kernel_ops
from thplab.scenario.actor import DEFAULT_KID, Actor
from thplab.scenario.errors import ScenarioError
from thplab.scenario.locks import (
    ADVISE,
    ANON_VMA,
    COLLAPSE,
    FAULT,
    GUP,
    MMAP_READ,
    MMAP_WRITE,
    NO_LOCK,
    Need,
)  # fmt: skip
from thplab.scenario.settings import SETTINGS
from thplab.scenario.values import (
    ANY,
    FLAG,
    LAST_PAGE,
    NAME,
    PAGES,
    RANGE,
    Key,
    Value,
    chosen,
    list_of,
    number,
    word,
)
from thplab.scenario.work import spend

#: How deep children may have children.
_DEEPEST = 4

PROTECTIONS = word(("rw", "r", "none"))
KINDS = word(
    (
        "anon", "shared", "devzero", "memfd_shared", "memfd_private", "tmpfs_shared", "tmpfs_private",
        "file_private", "file_shared",
    )
)  # fmt: skip
ADVICE = (
    "normal", "hugepage", "nohugepage", "dontneed", "pageout", "cold", "free", "populate_read",
    "populate_write", "guard_install", "guard_remove", "mergeable",
)  # fmt: skip

_Ranges = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Op:
    """One op.

    ``act`` carries it out; ``lock``: what it needs, as an intruder (``intrudes``) waits for it;
    ``maps``: the page ranges that it maps; ``touches``: does it bring pages into memory?
    """

    effect: str
    act: Callable[[Actor, Mapping[str, Any]], None]
    keys: Mapping[str, Key] = field(default_factory=dict)
    lock: Need = MMAP_READ
    intrudes: bool = False
    maps: Callable[[Mapping[str, Any]], _Ranges] = lambda op: ()
    touches: Callable[[Mapping[str, Any]], bool] = lambda op: False


def _always(op: Mapping[str, Any]) -> bool:
    return True


def perform(actor: Actor, op: Mapping[str, Any], *, holds_lock: bool = False) -> None:
    """Carry out one op. Raises Unsupported (the model can't), ScenarioError (it can't be done).

    ``holds_lock``: the caller has seen to it that the lock which the op needs is free, whoever holds others.
    """
    if op["op"] != "unlock_mm" and not holds_lock:
        actor.refuse_to_wait(op["op"])
    spend(1 + len(actor.process.mm.vmas) // 32)
    try:
        OPS[op["op"]].act(actor, op)
    except KernelError as error:
        raise ScenarioError(f"{op['op']}: {error}") from error


def _kid(actor: Actor, op: Mapping[str, Any]) -> None:
    kid = actor.kid(op)
    for each in op["ops"]:
        perform(kid, each)


def _check_value(op: Mapping[str, Any], where: str) -> None:
    """The value that a ``set`` writes must be one that its file takes."""
    if op["op"] == "set":
        SETTINGS[op["key"]].value.check(op["value"], f"{where}.{op['key']}", 0)


def _check_ops(value: object, where: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise ScenarioError(f"{where}: children are nested more than {_DEEPEST} deep")
    list_of(OP).check(value, where, depth + 1)


OPS_LIST = Value("a list of ops", {"type": "array", "items": {"$ref": "#/$defs/op"}}, _check_ops)

_ANY_NUMBER = number(0, (1 << 31) - 1)
_PLACE = {"pages": Key(PAGES, "the page ranges", "all that the process has mapped")}
_SHUFFLE = {"shuffle": Key(_ANY_NUMBER, "a seed: touch the pages in an order that is drawn", "in order")}
_KID = {"id": Key(NAME, "the name of the child", DEFAULT_KID)}
_TMPFS = word(("never", "always", "within_size", "advise"))
_UFFD_MODES = word(("missing", "wp"), several=True)
_PROT = Key(PROTECTIONS, "the protection", "rw")

# fmt: off
OPS: dict[str, Op] = {
    "mmap": Op("Map memory at a fixed place.", calls.mmap, {
        "start": Key(number(0, LAST_PAGE - 1), "its first page", needed=True),
        "pages": Key(number(1, LAST_PAGE), "how many pages", needed=True),
        "prot": _PROT,
        "kind": Key(KINDS, "what is mapped (devzero: privately, which is anonymous memory)", "anon"),
        "locked": Key(FLAG, "with MAP_LOCKED: fault all pages in and keep them", False),
        "huge": Key(_TMPFS, "of tmpfs: its mount option", "never"),
        "foff": Key(number(0, LAST_PAGE), "of a file: the page of it that is mapped first", 0)}, MMAP_WRITE,
        intrudes=True, maps=lambda op: [(op["start"], op["start"] + op["pages"])],
        touches=lambda op: bool(op.get("locked"))),
    "munmap": Op("Unmap pages.", calls.munmap, _PLACE, MMAP_WRITE, intrudes=True),
    "write": Op("Write to each page; what it holds then depends on the page and on gen.", calls.write, {
        **_PLACE, "gen": Key(_ANY_NUMBER, "a number that makes the contents differ", 0), **_SHUFFLE}, FAULT,
        intrudes=True, touches=_always),
    "write_same": Op("Write the same contents to each page.", calls.write_same, _PLACE, FAULT,
        touches=_always),
    "read": Op("Read each page.", calls.read, {**_PLACE, **_SHUFFLE}, FAULT, intrudes=True,
        touches=_always),
    "advise": Op("madvise; advice that is refused is logged.", calls.advise, {
        **_PLACE, "advice": Key(word(ADVICE), "the advice, without MADV_", needed=True)}, ADVISE,
        intrudes=True, touches=lambda op: bool(op["advice"].startswith("populate"))),
    "collapse": Op("madvise(MADV_COLLAPSE) on each range; what is refused is logged.", calls.collapse,
        _PLACE, COLLAPSE, intrudes=True),
    "mprotect": Op("Change the protection of pages.", calls.mprotect, {
        **_PLACE, "prot": Key(PROTECTIONS, "the new protection", needed=True)}, MMAP_WRITE, intrudes=True),
    "mlock": Op("Fault pages in and keep them in memory.", calls.mlock, _PLACE, MMAP_WRITE,
        touches=_always),
    "munlock": Op("Let pages be reclaimed again.", calls.munlock, _PLACE, MMAP_WRITE, intrudes=True),
    "mremap": Op("Move mapped memory to another place; what is refused is logged.", calls.mremap, {
        "from": Key(RANGE, "the page range, within one mapping", needed=True),
        "to": Key(number(0, LAST_PAGE - 1), "its new first page", needed=True),
        "new_pages": Key(number(1, LAST_PAGE), "how many pages it has then", "as many as before"),
        "dontunmap": Key(FLAG, "with MREMAP_DONTUNMAP: the old range stays mapped, and empty", False)},
        MMAP_WRITE, intrudes=True,
        maps=lambda op: [(op["to"], op["to"] + op.get("new_pages", op["from"][1] - op["from"][0]))],
        touches=_always),
    "fork": Op("Start a child, called PROCESS.ID.", calls.fork, _KID, MMAP_WRITE, intrudes=True),
    "kid": Op("Let a child do something.", _kid,
        {**_KID, "ops": Key(OPS_LIST, "what it does", needed=True)}),
    "kid_exit": Op("A child exits.", calls.kid_exit, _KID),
    "pin": Op("Take an extra reference on each page.", calls.pin, _PLACE, GUP, intrudes=True),
    "unpin": Op("Give the extra references back.", calls.unpin,
        {"pages": Key(PAGES, "the page ranges", "all that are pinned")}, NO_LOCK, intrudes=True),
    "clear_refs": Op("Write 1 to /proc/PID/clear_refs: no page counts as accessed.", calls.clear_refs,
        lock=MMAP_WRITE, intrudes=True),
    "uffd_wp": Op("Register memory with the process's userfaultfd; no handler answers its faults.",
        calls.uffd_wp, {
        **_PLACE, "mode": Key(_UFFD_MODES, "the faults that it handles; both: missing|wp", "wp"),
        "protect": Key(PAGES, "page ranges to write-protect through it", "none"),
        "unprotect": Key(PAGES, "page ranges that may be written again", "none")}, MMAP_WRITE),
    "uffd_unregister": Op("End the registration: what was write-protected may be written again.",
        calls.uffd_unregister, _PLACE, MMAP_WRITE, intrudes=True),
    "prctl_thp_disable": Op(
        "prctl(PR_SET_THP_DISABLE): no huge pages for this process and its children; the result is logged.",
        calls.prctl_thp_disable, {
        "disable": Key(FLAG, "false: huge pages are possible again", True),
        "flags": Key(_ANY_NUMBER, "2: except where MADV_HUGEPAGE asks for them (since 6.18)", 0)},
        MMAP_WRITE, intrudes=True),
    "cgroup": Op("Enter a memory cgroup of its own.", calls.cgroup, lock=NO_LOCK),
    "cgroup_limit": Op("Limit the cgroup.", calls.cgroup_limit, {
        "extra_pages": Key(number(0, LAST_PAGE), "how many pages more than it uses now", needed=True),
        "swappiness": Key(number(0, 200), "only 0 is modelled", 60)}, NO_LOCK),
    "ksm_wait": Op("Wait until ksmd has merged all equal pages of mergeable memory.", calls.ksm_wait),
    "set": Op("Write a setting.", calls.set_knob, {
        "key": Key(word(SETTINGS), "the setting", needed=True),
        "value": Key(ANY, "its value", needed=True)}, NO_LOCK, intrudes=True),
    # What other tasks in the kernel do; a real kernel can't be asked for these.
    "lock_mm": Op("Another task takes the mmap_lock for writing.", kernel_ops.lock_mm),
    "unlock_mm": Op("It releases the mmap_lock.", kernel_ops.unlock_mm),
    "lock_page": Op("Another task locks the folio of each page.", kernel_ops.lock_page, _PLACE, NO_LOCK,
        intrudes=True),
    "unlock_page": Op("It unlocks them.", kernel_ops.unlock_page, _PLACE, NO_LOCK, intrudes=True),
    "isolate_page": Op("Another task takes the folio of each page off the LRU.", kernel_ops.isolate_page,
        _PLACE, NO_LOCK, intrudes=True),
    "putback_page": Op("It puts them back.", kernel_ops.putback_page, _PLACE, NO_LOCK, intrudes=True),
    "swapout": Op("kswapd writes the pages to swap, where it can.", kernel_ops.swapout, _PLACE, ANON_VMA,
        intrudes=True),
}
# fmt: on

OP = chosen("op", OPS, _check_value)


def _exit(actor: Actor, op: Mapping[str, Any]) -> None:
    """The rest of an exit that has begun."""
    mm = actor.process.mm
    with running(mm.kernel, mm.task):
        exit_mm(mm)


#: The ops that an intruder can do.
INTRUDER_OPS: dict[str, Op] = {
    **{name: op for name, op in OPS.items() if op.intrudes},
    "exit": Op(
        "The process exits: it counts as gone at once, its memory goes later.", _exit, lock=MMAP_WRITE
    ),
}
#: The op of an intruder, as a value of a key.
INTRUDER_OP = chosen("op", INTRUDER_OPS, _check_value)
