"""The seven steps of all that khugepaged does, under the same names everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

__all__ = ["SUBGOALS", "Subgoals", "subgoals"]

#: In the order in which they come.
SUBGOALS = ("find work", "look", "decide", "get memory", "lock & re-check", "move", "publish")


@dataclass(frozen=True)
class Subgoals:
    """All seven, with those marked that are ``here``."""

    here: frozenset[str]

    def __repr__(self) -> str:
        """In one line; what is here stands in brackets."""
        return "  ·  ".join(f"[{name}]" if name in self.here else name for name in SUBGOALS)

    def _repr_html_(self) -> str:
        """In one line; what is here is bold, underlined and has an arrow before it."""
        cells = (
            f'<b aria-current="step" style="border-bottom:3px solid #0072B2">▸ {escape(name)}</b>'
            if name in self.here
            else f"<span>{escape(name)}</span>"
            for name in SUBGOALS
        )
        row = "".join(f'<span style="margin-right:1.2em;white-space:nowrap">{cell}</span>' for cell in cells)
        return f'<div style="line-height:2">{row}</div>'


def subgoals(*here: str) -> Subgoals:
    """The strip of the seven steps, to stand above a worked example. ValueError for a name that is none."""
    for name in here:
        if name not in SUBGOALS:
            raise ValueError(f"no step {name!r}; there are {', '.join(SUBGOALS)}")
    return Subgoals(frozenset(here))
