"""Kernel profiles: what each version calls things and does differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from thplab.kernels.profile import KernelFrame, Profile
from thplab.kernels.scan_result import ScanResult
from thplab.kernels.v6_1 import LINUX_6_1
from thplab.kernels.v6_12 import LINUX_6_12
from thplab.kernels.v6_18 import LINUX_6_18
from thplab.kernels.v7_3 import LINUX_7_3
from thplab.words import did_you_mean

__all__ = ["DEFAULT", "PROFILES", "KernelFrame", "Profile", "ScanResult", "profile", "with_facts"]

PROFILES = {p.name: p for p in (LINUX_6_1, LINUX_6_12, LINUX_6_18, LINUX_7_3)}
DEFAULT = LINUX_6_18


def profile(name: str) -> Profile:
    """The profile called ``name`` (e.g. ``"6.18"``).

    Raises ValueError, naming the known ones, if there is none.
    """
    if name in PROFILES:
        return PROFILES[name]
    raise ValueError(
        f"no kernel profile {name!r}{did_you_mean(name, PROFILES)}; known: {', '.join(PROFILES)}"
    )


def with_facts(base: Profile, facts: Mapping[str, object]) -> Profile:
    """The profile with some named facts changed, to ask "what if the kernel did this otherwise?".

    Raises ValueError for a name that is no fact, or a value of another kind.
    """
    for name, value in facts.items():
        now = getattr(base, name, None)
        if not isinstance(now, bool | int) or type(value) is not type(now):
            names = [n for n in Profile.__dataclass_fields__ if isinstance(getattr(base, n), bool | int)]
            hint = "" if name in names else did_you_mean(name, names)
            raise ValueError(f"what_if: no fact of a profile has such a value: {name}={value!r}{hint}")
    return replace(base, **dict(facts))  # type: ignore[arg-type]
