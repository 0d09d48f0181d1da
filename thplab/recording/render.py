"""Values as gdb prints them."""

from __future__ import annotations

from enum import Enum
from typing import Any

from thplab.mm.include.page import VMEMMAP_START


def gdb_value(name: str, value: Any, start_pfn: int) -> str:
    """``value`` of the parameter ``name``: integers decimal, pointers hexadecimal.

    A page is shown as its ``struct page *``.
    """
    if name == "page" and isinstance(value, int):
        return f"{VMEMMAP_START + 64 * (value + start_pfn):#x}"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    address = getattr(value, "address", None)
    if isinstance(address, int):
        return f"{address:#018x}"
    if isinstance(value, Enum):
        return value.name
    label = getattr(value, "name", None)
    return f"<{label}>" if label else f"<{type(value).__name__}>"
