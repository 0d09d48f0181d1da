"""One line a figure: median, spread, aim, and how it was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median, quantiles

__all__ = ["Figure", "show", "show_table"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Values of one measurement in ``unit``; ``aim`` and ``aim_p95`` are what the median and the 95th
    percentile should not exceed, if anything.
    """

    name: str
    unit: str
    values: Sequence[float]
    how: str
    aim: float | None = None
    aim_p95: float | None = None

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

    @property
    def p95(self) -> float:
        """What 95 of 100 values do not exceed."""
        return sorted(self.values)[max(0, ceil(0.95 * len(self.values)) - 1)]


def show(figure: Figure) -> None:
    """Print a figure."""
    low, high = figure.spread
    tail = (
        "" if figure.aim_p95 is None else f", 95 % within {figure.p95:.4g}{_met(figure.p95, figure.aim_p95)}"
    )
    aim = "" if figure.aim is None else f" {_met(figure.median, figure.aim, figure.unit)}"
    print(f"{figure.name}: {figure.median:.4g} {figure.unit} (quartiles {low:.4g} to {high:.4g}){aim}{tail}")
    print(f"    {len(figure.values)} times; {figure.how}", flush=True)


def show_table(title: str, figures: Iterable[Figure]) -> None:
    """Print figures of one kind, one line each, with the limits beside them."""
    print(f"{title}\n{'':38}{'median':>9} {'limit':>7}{'95 %':>9} {'limit':>7}")
    for each in figures:
        middle, tail = (_cell(value, aim) for value, aim in _limits(each))
        print(f"{each.name:38}{middle}{tail}  {each.unit}; {len(each.values)} times; {each.how}", flush=True)


def _limits(figure: Figure) -> tuple[tuple[float, float | None], tuple[float, float | None]]:
    return (figure.median, figure.aim), (figure.p95, figure.aim_p95)


def _cell(value: float, aim: float | None) -> str:
    limit = "" if aim is None else f"{'' if value <= aim else '!'}<= {aim:g}"
    return f"{value:9.4g} {limit:>7}"


def _met(value: float, aim: float, unit: str = "") -> str:
    return f" aim <= {aim:g}{' ' if unit else ''}{unit}: {'met' if value <= aim else 'MISSED'}"
