"""What faults ask of userfaultfd."""

from __future__ import annotations

import errno

import pytest

from tests.mm.lab import ADDRESS, WINDOW, app
from thplab.mm.include.userfaultfd_k import (
    handle_userfault,
    userfaultfd_armed,
    userfaultfd_missing,
    userfaultfd_wp,
)


@pytest.mark.parametrize(("mode", "answers"), [(None, (0, 0, 0)), ("missing", (1, 0, 1)), ("wp", (0, 1, 1))])
def test_which_memory_is_watched(mode, answers):
    """Which questions have a yes for memory registered in each mode?"""
    process = app()
    if mode:
        process.uffd_register(ADDRESS, WINDOW, mode)
    (vma,) = process.mm.vmas
    assert (userfaultfd_missing(vma), userfaultfd_wp(vma), userfaultfd_armed(vma)) == answers


def test_the_error_names_the_address():
    """Does the message say where, and that a handler would be asked?"""
    error = handle_userfault(0x1234000)
    assert error.errno == errno.EAGAIN
    assert "0x1234000" in str(error)
    assert "handler" in str(error)
