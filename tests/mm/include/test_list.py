"""Doubly linked lists through columns."""

from __future__ import annotations

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from thplab.mm.include.list import (
    INIT_LIST_HEAD,
    list_add,
    list_add_tail,
    list_del,
    list_empty,
    list_for_each,
    list_move,
    list_splice_tail,
)
from thplab.mm.include.state import Column

HEAD = 8


def links():
    pair = Column("I", 9, "next"), Column("I", 9, "prev")
    INIT_LIST_HEAD(pair, HEAD)
    return pair


def test_a_new_head_is_empty():
    """Is a list without entries empty?"""
    pair = links()
    assert list_empty(pair, HEAD)
    assert list(list_for_each(pair, HEAD)) == []


def test_add_first_and_last():
    """In which order stand entries put first and last?"""
    pair = links()
    list_add(pair, 1, HEAD)
    list_add(pair, 2, HEAD)
    list_add_tail(pair, 3, HEAD)
    assert list(list_for_each(pair, HEAD)) == [2, 1, 3]
    assert not list_empty(pair, HEAD)


def test_move_and_splice():
    """In which order stand entries that were moved to the head of another list, and that list put back?"""
    pair = links()
    INIT_LIST_HEAD(pair, 7)
    for entry in (1, 2, 3):
        list_add_tail(pair, entry, HEAD)
    for entry in (1, 2):
        list_move(pair, entry, 7)
    assert (list(list_for_each(pair, HEAD)), list(list_for_each(pair, 7))) == ([3], [2, 1])
    list_splice_tail(pair, 7, HEAD)
    assert (list(list_for_each(pair, HEAD)), list(list_for_each(pair, 7))) == ([3, 2, 1], [])


def test_deleted_entry_points_at_itself():
    """What do the links of an entry say after it left its list?"""
    pair = links()
    for entry in (1, 2, 3):
        list_add_tail(pair, entry, HEAD)
    list_del(pair, 2)
    assert (pair[0][2], pair[1][2]) == (2, 2)
    assert list(list_for_each(pair, HEAD)) == [1, 3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["first", "last", "out"]), st.integers(0, 7)), max_size=30))
def test_a_list_is_a_deque(steps):
    """Does it behave as a deque does, read from both ends?"""
    pair, model = links(), deque()
    for what, entry in steps:
        if what == "out" and entry in model:
            list_del(pair, entry)
            model.remove(entry)
        elif what != "out" and entry not in model:
            (list_add if what == "first" else list_add_tail)(pair, entry, HEAD)
            (model.appendleft if what == "first" else model.append)(entry)
        assert list(list_for_each(pair, HEAD)) == list(model)
        assert list(list_for_each(pair[::-1], HEAD)) == list(model)[::-1]
