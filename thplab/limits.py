"""What one scenario may cost. scenario/work.py counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """``steps`` of the model, and ``memory`` in MiB: ten times what the most costly named scenario needs."""

    steps: int = 2_500_000
    memory: int = 1024
