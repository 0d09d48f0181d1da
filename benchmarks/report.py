"""One line a figure: median, spread, aim, and how it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

__all__ = ["Figure", "show"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Values of one measurement in ``unit``; ``aim`` is the largest median that is wanted, if any."""

    name: str
    unit: str
    values: Sequence[float]
    how: str
    aim: float | None = None

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile; of a single value, that value."""
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        low, _, high = quantiles(self.values, n=4, method="inclusive")
        return low, high


def show(figure: Figure) -> None:
    """Print a figure."""
    low, high = figure.spread
    aim = ""
    if figure.aim is not None:
        met = "met" if figure.median <= figure.aim else "MISSED"
        aim = f"  aim <= {figure.aim:g} {figure.unit}: {met}"
    print(f"{figure.name}: {figure.median:.4g} {figure.unit} (quartiles {low:.4g} to {high:.4g}){aim}")
    print(f"    {len(figure.values)} times; {figure.how}", flush=True)
