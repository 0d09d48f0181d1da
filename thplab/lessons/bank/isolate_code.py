"""A short program to write: isolate a window's pages, or put all of them back. Held against the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from thplab.lessons.kinds.coding import Code
from thplab.lessons.trial.words import shown
from thplab.scenario import ScenarioRun
from thplab.scenario.build import experiment

_PAGES = 512

#: What may be wrong with a page -> what another task does in the model, just before the PMD is cleared.
_TROUBLES = {"locked": "lock_page", "pinned": "pin", "off the LRU": "isolate_page"}


class LentPage:
    """One page of the window, as isolate sees it; ``fault`` says what was done to it that must not be."""

    def __init__(self, number: int, trouble: str = "") -> None:
        """``trouble``: locked, pinned, off the LRU, or nothing."""
        self.number, self._pinned = number, trouble == "pinned"
        self.fault = ""
        self._theirs, self._off = trouble == "locked", trouble == "off the LRU"
        self.mine = self.isolated = False

    def _must(self, holds: bool, fault: str) -> None:
        self.fault = self.fault or ("" if holds else f"Page {self.number}: {fault}")

    @property
    def pinned(self) -> bool:
        """Does another task hold a reference?"""
        return self._pinned

    def trylock(self) -> bool:
        """Take the page's lock if nobody has it: did it work?"""
        if self._theirs or self.mine:
            return False
        self.mine = True
        return True

    def unlock(self) -> None:
        """Give the lock back."""
        self._must(self.mine, "unlocked, but you did not hold its lock.")
        self._must(not self.isolated, "unlocked while it is off the LRU list: nobody will find it again.")
        self.mine = False

    def take_off_lru(self) -> bool:
        """Take it off the LRU list, if it is on it: did it work?"""
        self._must(self.mine, "taken off the LRU list without its lock.")
        self._must(not self._pinned, "taken, although another task holds a reference to it.")
        if self._off or self.isolated:
            return False
        self.isolated = True
        return True

    def put_back(self) -> None:
        """Put it back on the LRU list and unlock it."""
        self._must(self.isolated, "put back, but you had not taken it.")
        self.isolated = self.mine = False

    def free(self) -> None:
        """Free it."""
        self._must(False, "freed. If the next one is pinned, what would you put back? Isolate frees nothing.")


@cache
def model_isolates(trouble: str, number: int) -> bool:
    """Does the model's isolate succeed if page ``number`` is in trouble?"""
    intruders = []
    if trouble:
        op = {"op": _TROUBLES[trouble], "pages": [[number, number + 1]]}
        intruders.append({"at": "before_fence", "proc": "a", "op": op})
    step = {"type": "khugepaged", "intruders": intruders}
    run = ScenarioRun(experiment(f"{_PAGES}x young", then=[step]))
    events = [event for wakeup in run.step(step)["wakeups"] for event in wakeup["events"]]
    status = next(event["status"] for event in events if event["ev"] == "isolate")
    return bool(status == "succeeded")


_CASES = (("", 0), *((trouble, number) for trouble in _TROUBLES for number in (0, _PAGES - 1)))


def check_isolate(function: Callable[..., Any]) -> str:
    """Run ``function`` over windows with and without trouble; the first thing that is wrong, or nothing."""
    for trouble, number in _CASES:
        window = [LentPage(n, trouble if n == number else "") for n in range(_PAGES)]
        said = function(list(window))
        fault = next((page.fault for page in window if page.fault), "")
        fault = fault or _left_over(window, said, model_isolates(trouble, number))
        if fault:
            return f"{fault} (In this case {_case(trouble, number)}.)"
    return ""


def _case(trouble: str, number: int) -> str:
    return f"page {number} is {trouble}" if trouble else "nothing is wrong with any page"


def _left_over(window: list[LentPage], said: object, succeeds: bool) -> str:
    """What a caller would stumble over afterwards."""
    if not isinstance(said, bool | int | None) or bool(said) is not succeeds:
        return (
            f"It returned {shown(said)}; the model's isolate {'succeeds' if succeeds else 'gives up'} here."
        )
    for page in window:
        if page.isolated is not succeeds:
            return f"Page {page.number} is {'still off the LRU list' if page.isolated else 'not isolated'}."
        if page.mine is not succeeds:
            return f"Page {page.number} is {'still locked' if page.mine else 'not locked'}."
    return ""


ISOLATE = Code(
    "isolate",
    "def isolate(window):\n"
    "    # for each page: page.trylock(), page.pinned, page.take_off_lru()\n"
    "    # and back: page.unlock(), page.put_back() (which unlocks, too)\n"
    "    return False\n",
    "def isolate(window):\n"
    "    done = []\n"
    "    for page in window:\n"
    "        if not page.trylock():\n"
    "            break\n"
    "        if page.pinned or not page.take_off_lru():\n"
    "            page.unlock()\n"
    "            break\n"
    "        done.append(page)\n"
    "    for page in done if len(done) < len(window) else []:\n"
    "        page.put_back()\n"
    "    return len(done) == len(window)\n",
    check_isolate,
)
