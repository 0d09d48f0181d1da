"""What is said of routes to a huge page: texts with named values, filled with the facts of their runs."""

from __future__ import annotations

from collections.abc import Sequence

from thplab.reading.route import Count, RouteFacts
from thplab.recording.story.template import Value, fill

BEFORE, WORK, AFTER = range(3)

#: Who waits at work, and at the end who had to.
_WAITS = {
    "nobody": "nobody",
    "fault": "{program}, in its own fault",
    "call": "{program}, in its own call",
    "touch": "{program}, if it touches",
    "lock": "{waiter}, for a lock",
}
_WAITED = {
    "nobody": "{program} did not wait",
    "fault": "{program} waited",
    "call": "{program} waited",
    "touch": "{program} did not wait",
    "lock": "{waiter} had to wait",
}
_SAYS_OF_WAITING = {
    "nobody": "{title}: nobody",
    "fault": "{title}: {program} itself",
    "call": "{title}: {program} itself",
    "touch": "{title}: {program}, but only if it touches the window now",
    "lock": "{title}: {waiter}, for {lock}",
}

#: Two lines below a picture. Before:
_STARTS = {
    "small": (
        "{mapped|small page|small pages} of {program}",
        "in {spread|block|blocks}; {whole|block is|blocks are} whole",
    ),
    "whole": ("{whole|block is|blocks are} whole", "and {program} has touched nothing yet"),
    "broken": ("{free|frame is|frames are} free", "but no block of {entries} is all free"),
}
#: ... at work:
_DOES = {
    "copies": ("copies page after page", "{copied|is|are} copied so far"),
    "moves": ("empties a block", "{moved|page|pages} of {others} moved so far"),
    "clears": ("fills {cleared|frame|frames} with zeros", "nothing is copied"),
    "looks": ("reads what is there", "nothing is moved or copied"),
    "sleeps": ("nobody works", "nothing is moved or copied"),
}
#: ... and after.
_ENDS = {
    "huge at once": ("huge at once; {waited}", "{done}"),
    "huge later": ("huge, later; {waited}", "{done}"),
    "block": ("not huge, but {gained|free block|free blocks}", "{done}"),
    "refused": ("not huge: refused", "“{refused}” no"),
    "small": ("not huge; {waited}", "{mapped|small page|small pages}"),
    "nothing": ("not huge, no free block", "{done}"),
}
#: The sentence on what is left of a route that ends in no huge page.
_LEAVES = {
    "block": "{title}: nothing huge, but {gained|free block|free blocks} for the next who wants one.",
    "refused": "{title}: refused, as one page got a no to “{refused}”",
    "small": "{title}: {mapped|small page|small pages}.",
    "nothing": "{title}: nothing huge, and no free block.",
}
_BEFORE = (
    "{program} wants a huge page",
    ": {routes|way|ways}, each on its own machine. On {ready} of them {entries} frames in a row are free.",
)
_HUGE, _NOTHING_HUGE = "Huge in the end: {names}.", "Nothing is huge in the end."
#: What a huge page is good for.
_WORTH = " One entry maps {entries} pages there."
_DONE = {
    "moved": "{moved|page|pages} moved",
    "copied": "{copied|page|pages} copied",
    "cleared": "{cleared} zeroed",
    "cleared alone": "{cleared|frame|frames} filled with zeros",
}


def waiting(facts: RouteFacts) -> str:
    """The kind of waiting at work, a key of the texts."""
    if facts.own:
        return "fault" if facts.in_fault else "call"
    if facts.waited:
        return "lock"
    return "touch" if facts.cuts[WORK].fenced else "nobody"


def ending(facts: RouteFacts) -> str:
    """What a route comes to, a key of the texts."""
    if facts.cuts[AFTER].huge:
        return "huge at once" if facts.own else "huge later"
    if facts.refused:
        return "refused"
    if facts.gained:
        return "block"
    return "small" if facts.mapped(AFTER) > facts.mapped(BEFORE) else "nothing"


def waits(facts: RouteFacts, at: int) -> str:
    """Who waits at a cut."""
    return fill(_WAITS[waiting(facts) if at == WORK else "nobody"], _values(facts, at))


def foot(facts: RouteFacts, at: int) -> tuple[str, str]:
    """What comes of a route at a cut, in two lines."""
    texts = (_STARTS[_start(facts)], _DOES[_doing(facts)], _ENDS[ending(facts)])[at]
    values = _values(facts, at)
    return fill(texts[0], values), fill(texts[1], values)


def sentences(routes: Sequence[tuple[str, RouteFacts]]) -> tuple[tuple[str, str], ...]:
    """For each cut a sentence on all routes, given with their titles: its bold part, and the rest."""
    start: dict[str, Value] = {
        "program": routes[0][1].program,
        "routes": len(routes),
        "entries": routes[0][1].entries,
        "ready": sum(bool(facts.cuts[BEFORE].whole) for _, facts in routes),
    }
    waits = [
        fill(_SAYS_OF_WAITING[waiting(facts)], {**_values(facts, WORK), "title": title})
        for title, facts in routes
    ]
    huge = [title for title, facts in routes if facts.cuts[AFTER].huge]
    left = [
        fill(_LEAVES[ending(facts)], {**_values(facts, AFTER), "title": title})
        for title, facts in routes
        if not facts.cuts[AFTER].huge
    ]
    end = fill(_HUGE if huge else _NOTHING_HUGE, {"names": " and ".join(huge)})
    worth = fill(_WORTH, start) if huge else ""
    before = fill(_BEFORE[0], start), fill(_BEFORE[1], start)
    return (
        before,
        ("Who waits?", f" {'; '.join(waits)}."),
        (end, worth + "".join(f" {each}" for each in left)),
    )


def _start(facts: RouteFacts) -> str:
    return "small" if facts.mapped(BEFORE) else "whole" if facts.cuts[BEFORE].whole else "broken"


def _doing(facts: RouteFacts) -> str:
    now = facts.so_far[WORK]
    done = {"copies": now.copied, "moves": now.moved, "clears": now.cleared}
    return next((what for what, count in done.items() if count), "looks" if facts.worker else "sleeps")


def _values(facts: RouteFacts, at: int) -> dict[str, Value]:
    count = facts.so_far[at] if at == WORK else facts.total
    machine = facts.cuts[at]
    waiter, lock = facts.waited[0] if facts.waited else ("", "")
    values: dict[str, Value] = {
        "program": facts.program,
        "others": facts.others,
        "entries": facts.entries,
        "mapped": facts.mapped(at),
        "spread": len({page // facts.entries for page in machine.maps if page >= 0}),
        "whole": len(machine.whole),
        "free": machine.free,
        "gained": facts.gained,
        "refused": facts.refused,
        "waiter": waiter,
        "lock": lock,
        "moved": count.moved,
        "copied": count.copied,
        "cleared": count.cleared,
        "done": _done(count),
    }
    return {**values, "waited": fill(_WAITED[waiting(facts)], values)}


def _done(count: Count) -> str:
    """What was counted, without what was not done."""
    if count.cleared and not (count.moved or count.copied):
        return fill(_DONE["cleared alone"], {"cleared": count.cleared})
    numbers = {"moved": count.moved, "copied": count.copied, "cleared": count.cleared}
    return ", ".join(fill(_DONE[name], numbers) for name, n in numbers.items() if n) or "nothing moved"
