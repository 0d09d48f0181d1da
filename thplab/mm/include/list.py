"""Doubly linked lists through ``struct page`` (include/linux/list.h).

A page is on at most one list at a time (a free list of the buddy allocator or an LRU list), so
two columns hold all lists: ``next`` and ``prev`` of each page. The list heads stand in the same
columns, behind the pages. An empty list is a head that points at itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from thplab.mm.include.state import Column

Links = tuple[Column, Column]
"""The two columns: next (u32), prev (u32)."""


def INIT_LIST_HEAD(links: Links, head: int) -> None:
    """Make ``head`` (struct list_head *, here an index) an empty list."""
    links[0][head] = head
    links[1][head] = head


def _insert(links: Links, entry: int, before: int, after: int) -> None:
    """Put ``entry`` between two neighbours."""
    following, previous = links
    following[entry] = after
    previous[entry] = before
    following[before] = entry
    previous[after] = entry


def list_add(links: Links, entry: int, head: int) -> None:
    """Put ``entry`` first on the list. Locks expected: the list's own (zone->lock, lruvec->lru_lock)."""
    _insert(links, entry, head, links[0][head])


def list_add_tail(links: Links, entry: int, head: int) -> None:
    """Put ``entry`` last on the list. Locks expected: the list's own."""
    _insert(links, entry, links[1][head], head)


def list_del(links: Links, entry: int) -> None:
    """Take ``entry`` off its list; afterwards it points at itself.

    The kernel leaves poison in its pointers; list_del_init() makes it an empty list, as here.
    Locks expected: the list's own.
    """
    following, previous = links
    before, after = previous[entry], following[entry]
    following[before] = after
    previous[after] = before
    # So that one read tells whether the entry is on a list.
    following[entry] = entry
    previous[entry] = entry


def list_move(links: Links, entry: int, head: int) -> None:
    """Take ``entry`` off its list and put it first on another. Locks expected: those of both lists."""
    list_del(links, entry)
    list_add(links, entry, head)


def list_splice_tail(links: Links, source: int, head: int) -> None:
    """Put all that is on the list ``source``, in its order, last on the list ``head``.

    Locks expected: those of both lists.
    """
    while not list_empty(links, source):
        entry = links[0][source]
        list_del(links, entry)
        list_add_tail(links, entry, head)


def list_empty(links: Links, head: int) -> bool:
    """True if nothing is on the list."""
    return bool(links[0][head] == head)


def list_for_each(links: Links, head: int) -> Iterator[int]:
    """Yield the entries in order; the list must not change meanwhile. Locks expected: the list's own."""
    entry = links[0][head]
    while entry != head:
        yield entry
        entry = links[0][entry]
