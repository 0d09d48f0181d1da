"""What the rest of the kernel does to a scenario's pages and locks: reclaim, compaction, another task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.page import PG_isolated, PG_locked, folio_trylock, folio_unlock
from thplab.mm.include.sched import Task
from thplab.mm.kthread import running
from thplab.mm.vmscan.isolate import folio_isolate_lru, folio_putback_lru
from thplab.mm.vmscan.shrink_folio import reclaim_pages
from thplab.scenario.actor import Actor
from thplab.scenario.errors import ScenarioError
from thplab.scenario.observe import folio_at


def lock_mm(actor: Actor, op: Mapping[str, Any]) -> None:
    """A second thread of the process takes the mmap_lock for writing."""
    mm = actor.process.mm
    down_write(mm.mmap_lock, f"thread 2 of {mm.name}")


def unlock_mm(actor: Actor, op: Mapping[str, Any]) -> None:
    """It releases the mmap_lock."""
    if not actor.mmap_lock_is_taken:
        raise ScenarioError("unlock_mm: nobody holds the mmap_lock; allowed: after lock_mm")
    up_write(actor.process.mm.mmap_lock)


def lock_page(actor: Actor, op: Mapping[str, Any]) -> None:
    """Another task locks the folio of each page."""
    mem_map = actor.machine.kernel.mem_map
    for page, folio in _folios(actor, op):
        if not folio_trylock(mem_map, folio):
            raise ScenarioError(f"lock_page: page {page} is locked already")


def unlock_page(actor: Actor, op: Mapping[str, Any]) -> None:
    """It unlocks them."""
    mem_map = actor.machine.kernel.mem_map
    for page, folio in _folios(actor, op):
        if not mem_map.flags[folio] & PG_locked:
            raise ScenarioError(f"unlock_page: page {page} is not locked")
        folio_unlock(mem_map, folio)


def isolate_page(actor: Actor, op: Mapping[str, Any]) -> None:
    """Somebody (reclaim, compaction) has taken the pages off the LRU and not yet decided about them."""
    for page, folio in _folios(actor, op):
        if not folio_isolate_lru(actor.machine.kernel, folio):
            raise ScenarioError(f"isolate_page: page {page} is not on the LRU")


def putback_page(actor: Actor, op: Mapping[str, Any]) -> None:
    """They return to the LRU."""
    for page, folio in _folios(actor, op):
        if not actor.machine.kernel.mem_map.flags[folio] & PG_isolated:
            raise ScenarioError(f"putback_page: page {page} is not isolated")
        folio_putback_lru(actor.machine.kernel, folio)


def swapout(actor: Actor, op: Mapping[str, Any]) -> None:
    """Reclaim comes by: kswapd takes the pages off the LRU and writes them to swap, where it can."""
    kernel = actor.machine.kernel
    folios = [folio_at(actor.process, actor.address(page)) for page in actor.pages(op)]
    with running(kernel, Task("kswapd0", 0, kthread=True)):
        on_lru = [folio for folio in dict.fromkeys(folios) if folio is not None]
        reclaim_pages(kernel, [folio for folio in on_lru if folio_isolate_lru(kernel, folio)])


def _folios(actor: Actor, op: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """The pages of an op and the folios that they lie in."""
    for page in actor.pages(op):
        folio = folio_at(actor.process, actor.address(page))
        if folio is None:
            raise ScenarioError(f"{op['op']}: page {page} is not in memory")
        yield page, folio
