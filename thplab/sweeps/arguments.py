"""What a sweep is asked for is checked before the first job begins."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real

from thplab.kernels import profile

__all__ = ["check_kernel", "number", "numbers"]


def number(name: str, value: object, lowest: int, highest: int, *, whole: bool = True) -> None:
    """Raise ValueError unless it is a number of that range; ``whole``: an integer."""
    fits = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not fits or not lowest <= value <= highest:  # type: ignore[operator]
        allowed = f"{'an integer' if whole else 'a number'} from {lowest} to {highest}"
        raise ValueError(f"{name}: {_shown(value)} is not accepted; allowed: {allowed}")


def numbers(
    name: str, values: object, lowest: int, highest: int, *, whole: bool = True, least: int = 1
) -> None:
    """Raise ValueError unless these are at least so many such numbers."""
    if isinstance(values, str | bytes) or not isinstance(values, Sequence) or len(values) < least:
        some = "a list of numbers that is not empty" if least else "a list of numbers"
        raise ValueError(f"{name}: {_shown(values)} is not accepted; allowed: {some}")
    for value in values:
        number(name, value, lowest, highest, whole=whole)


def check_kernel(kernel: object, seed: object = 0) -> None:
    """Raise ValueError for a kernel that there is not, or a seed that is no integer."""
    if not isinstance(kernel, str):
        raise ValueError(f"kernel: {_shown(kernel)} is not accepted; allowed: the name of a profile")
    profile(kernel)
    number("seed", seed, -(1 << 63), 1 << 63)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
