"""Kernel profiles: what each version calls things and does differently."""

from __future__ import annotations

from difflib import get_close_matches

from thplab.kernels.profile import KernelFrame, Profile
from thplab.kernels.scan_result import ScanResult
from thplab.kernels.v6_1 import LINUX_6_1
from thplab.kernels.v6_12 import LINUX_6_12
from thplab.kernels.v6_18 import LINUX_6_18
from thplab.kernels.v7_3 import LINUX_7_3

__all__ = ["DEFAULT", "PROFILES", "KernelFrame", "Profile", "ScanResult", "profile"]

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
