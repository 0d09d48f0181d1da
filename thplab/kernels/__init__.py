"""Kernel profiles: what each version calls things and does differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from thplab.kernels.profile import KernelFrame, Profile
from thplab.kernels.scan_result import ScanResult
from thplab.kernels.v6_1 import LINUX_6_1
from thplab.kernels.v6_12 import LINUX_6_12
from thplab.kernels.v6_18 import LINUX_6_18
from thplab.kernels.v7_3 import LINUX_7_3

__all__ = ["DEFAULT", "PROFILES", "KernelFrame", "Profile", "ScanResult", "profile", "with_facts"]

PROFILES = {p.name: p for p in (LINUX_6_1, LINUX_6_12, LINUX_6_18, LINUX_7_3)}
DEFAULT = LINUX_6_18


def profile(name: str) -> Profile:
    """The profile called ``name`` (e.g. ``"6.18"``).

    Raises ValueError, naming the known ones, if there is none.
    """
    if name in PROFILES:
        return PROFILES[name]
    near = get_close_matches(name, PROFILES, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"no kernel profile {name!r}; known: {', '.join(PROFILES)}.{hint}")


def with_facts(base: Profile, facts: Mapping[str, object]) -> Profile:
    """The profile with some named facts changed, to ask "what if the kernel did this otherwise?".

    Raises ValueError for a name that is no fact, or a value of another kind.
    """
    for name, value in facts.items():
        now = getattr(base, name, None)
        if not isinstance(now, bool | int) or type(value) is not type(now):
            names = [n for n in Profile.__dataclass_fields__ if isinstance(getattr(base, n), bool | int)]
            near = get_close_matches(name, names, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]}?" if near and near[0] != name else ""
            raise ValueError(f"what_if: {name}={value!r} is no fact of a profile with such values.{hint}")
    return replace(base, **dict(facts))  # type: ignore[arg-type]
