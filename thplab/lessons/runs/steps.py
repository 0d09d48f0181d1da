"""The steps of all that khugepaged does: the scan, then the seven phases of a collapse."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from thplab.phases import STEPS


@dataclass(frozen=True)
class Subgoals:
    """All steps, with those marked that are ``here``."""

    here: frozenset[str]

    def __repr__(self) -> str:
        """In one line; what is here stands in brackets."""
        return "  ·  ".join(f"[{name}]" if name in self.here else name for name in STEPS)

    def _repr_html_(self) -> str:
        """In one line; what is here is bold, underlined and has an arrow before it."""
        cells = (
            f'<b aria-current="step" style="border-bottom:3px solid #0072B2">▸ {escape(name)}</b>'
            if name in self.here
            else f"<span>{escape(name)}</span>"
            for name in STEPS
        )
        row = "".join(f'<span style="margin-right:1.2em;white-space:nowrap">{cell}</span>' for cell in cells)
        return f'<div style="line-height:2">{row}</div>'


def subgoals(*here: str) -> Subgoals:
    """The strip of the steps, to stand above a worked example; ``collapse`` is all seven phases.

    A phase is named with its number or without. ValueError for a name that is none.
    """
    phases = [step for step in STEPS if step[0].isdigit()]
    known = {**{step: [step] for step in STEPS}, **{step[2:]: [step] for step in phases}, "collapse": phases}
    for name in here:
        if name not in known:
            raise ValueError(
                f"no step {name!r}; there are {', '.join(STEPS)}, and collapse for all with a number"
            )
    return Subgoals(frozenset(step for name in here for step in known[name]))
