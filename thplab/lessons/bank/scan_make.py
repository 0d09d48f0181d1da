"""The questions of notebook 07 in which something is made: a window, the order of the rules, code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

from thplab.lessons.bank.scan import in_runs
from thplab.lessons.kinds.coding import Code
from thplab.lessons.kinds.painting import Paint
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Order
from thplab.lessons.runs.looking import Look, look, look_at
from thplab.lessons.trial.words import shown
from thplab.scenario.build import experiment

_NR = 512
_LEAST_YOUNG = 400

#: status -> the knobs it is asked under, and a window that gets it at a given entry
_WANTED: dict[str, tuple[Mapping[str, int], Callable[[int], str]]] = {
    "exceed_none_pte": ({"max_ptes_none": 40}, lambda at: _ends_at(at, 41, "none")),
    "exceed_swap_pte": ({}, lambda at: _ends_at(at, 65, "swap")),
    "exceed_shared_pte": ({"max_ptes_shared": 80}, lambda at: _ends_at(at, 81, "shared")),
    "not_suitable_page_count": ({}, lambda at: _ends_at(at, 1, "pinned")),
    "pte_uffd_wp": ({}, lambda at: _ends_at(at, 1, "uffd")),
}


def _ends_at(at: int, count: int, kind: str) -> str:
    first = at + 1 - count
    return in_runs(["young"] * first + [kind] * count + ["young"] * (_NR - at - 1))


def paint(random: Random) -> Question:
    """A window that is refused for a given reason, at a given entry."""
    status = random.choice(list(_WANTED))
    at = random.randrange(150, 400)
    knobs, make = _WANTED[status]

    def wish(pages: Sequence[str], seen: Look) -> str:
        young = pages.count("young")
        if seen.status != status:
            return f"It should be {status}."
        if seen.stopped != at:
            return f"The reason is right; it should be entry {at} that decides."
        return "" if young >= _LEAST_YOUNG else f"{young} pages are young; {_LEAST_YOUNG} should be."

    words = "".join(f" ({knob} is {value})" for knob, value in knobs.items())
    return Question(
        "07.paint",
        f"Paint a window with {_LEAST_YOUNG} young pages or more that khugepaged refuses with {status} at "
        f"entry {at}{words}.",
        Paint(wish, make(at), settings=knobs),
        "The run had the last word.",
        (
            "What is said of an entry, and does one such entry suffice or must it be one too many?",
            f"A window that does it begins with {make(at).partition(',')[0]}.",
        ),
    )


#: What can be wrong with one and the same page -> the ops that make it so. The page is number 7.
_PAGE = [[7, 8]]
_FAULTS: dict[str, Sequence[Mapping[str, Any]]] = {
    "write-protected by userfaultfd?": ({"op": "uffd_wp", "protect": _PAGE},),
    "shared, and one too many?": ({"op": "fork"},),
    "on an LRU list?": ({"op": "isolate_page", "pages": _PAGE},),
    "locked?": ({"op": "lock_page", "pages": _PAGE},),
    "held by somebody besides the page tables?": ({"op": "pin", "pages": _PAGE},),
}
_TELLS = {
    "pte_uffd_wp": "write-protected by userfaultfd?",
    "exceed_shared_pte": "shared, and one too many?",
    "page_not_in_lru": "on an LRU list?",
    "page_locked": "locked?",
    "not_suitable_page_count": "held by somebody besides the page tables?",
}
_NEVER = "used more often than the pages of other windows?"


@cache
def rule_order() -> tuple[str, ...]:
    """The rules in the order in which they are asked: a page breaks all, then all but the first ..."""
    left, order = dict(_FAULTS), []
    while left:
        ops = [op for ops in left.values() for op in ops]
        seen = look_at(experiment("512x young", last=ops, max_ptes_shared=_PAGE[0][0]))
        order.append(_TELLS[seen.status])
        del left[_TELLS[seen.status]]
    return tuple(order)


def rules(random: Random) -> Question:
    """The bouncer's list, shuffled."""
    known = rule_order()
    options = [*known, _NEVER]
    random.shuffle(options)
    return Question(
        "07.rules",
        "One page breaks all these rules at once. In which order does the scan ask? One of them is never "
        "asked.",
        Order(tuple(options), tuple(options.index(rule) for rule in known)),
        "Found by runs: the page broke all rules, then all but the one that was named, and so on.",
        (
            (
                "What stands in the entry itself is asked first, then whose page it is, then what state "
                "the "
                "page is in."
            ),
            f"It begins with: {known[0]} {known[1]}",
        ),
        (
            Mistake(
                lambda given: options.index(_NEVER) in given,
                "There is no ranking of windows: list order, address order, and one used entry is enough.",
                "M8",
            ),
        ),
    )


_TEMPLATE = """def stop(pages, limit):
    holes = 0
    for index, kind in enumerate(pages):
        ...
    return None"""

_EXAMPLE = """def stop(pages, limit):
    holes = 0
    for index, kind in enumerate(pages):
        if kind in ("none", "zero"):
            holes += 1
            if holes > limit:
                return index
    return None"""


def _cases(random: Random) -> list[tuple[list[str], int, int | None]]:
    """Windows, limits, and where the model's scan stopped."""
    cases = []
    for _ in range(8):
        pages = random.choices(("young", "none", "zero", "old"), weights=(4, 3, 1, 2), k=_NR)
        number = pages.count("none") + pages.count("zero")
        limit = random.choice((number, number - 1, random.randrange(_NR)))
        cases.append((pages, limit, look(in_runs(pages), max_ptes_none=limit).stopped))
    return cases


def check_stop(function: Callable[..., Any], cases: Sequence[tuple[list[str], int, int | None]]) -> str:
    """The first window for which ``function`` names another entry than the model's scan."""
    for number, (pages, limit, right) in enumerate(cases, 1):
        given = function(list(pages), limit)
        if type(given) is not type(right) or given != right:
            holes, zeros = pages.count("none"), pages.count("zero")
            return (
                f"In window {number} of {len(cases)}, with {holes} none, {zeros} zero and "
                f"max_ptes_none {limit}, the kernel's scan stops at {right}; yours says {shown(given)}."
            )
    return ""


def code(random: Random) -> Question:
    """Write the loop that counts holes."""
    cases = _cases(random)
    return Question(
        "07.code",
        "Write the rule for holes: stop(pages, limit) gets the kinds of a window's pages ('young', 'old', "
        "'none', "
        "'zero') and max_ptes_none. It returns the index of the entry at which the scan stops, or None if "
        "it reads all.",
        Code("stop", _TEMPLATE, _EXAMPLE, check_stop, (cases,)),
        f"It agrees with the model in {len(cases)} windows.",
        (
            "Count; and when the count goes over the limit, return where you are.",
            "An entry with the zero page is a hole, too. As many as the limit are allowed.",
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {"07.paint": paint, "07.rules": rules, "07.code": code}
