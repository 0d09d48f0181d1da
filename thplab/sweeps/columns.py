"""The model's columns as numpy arrays, without copying them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from thplab.machine import Process
from thplab.mm.include.pgtable import _PAGE_PRESENT, _PAGE_PSE, level_shifts, mm_find_pmd
from thplab.mm.include.state import Column


def column_view(column: Column) -> npt.NDArray[Any]:
    """The column itself as an array: it shows each change of the model, and cannot be written through.

    To change state goes through the model's setters, which a recorder can see.
    """
    view = np.frombuffer(column, dtype=column.typecode)
    view.flags.writeable = False
    return view


def huge_windows(process: Process, start: int, windows: int) -> npt.NDArray[np.bool_]:
    """For each window from ``start`` (2 MiB aligned) on: is its PMD a present leaf?"""
    mm, found = process.mm, np.zeros(windows, dtype=bool)
    geometry, leaf = mm.kernel.geometry, _PAGE_PRESENT | _PAGE_PSE
    done = 0
    while done < windows:  # one PMD table after the other
        address = start + done * geometry.HPAGE_PMD_SIZE
        index = address >> level_shifts(mm.kernel)[2] & (geometry.PTRS_PER_PTE - 1)
        here = min(windows - done, geometry.PTRS_PER_PTE - index)
        ref = mm_find_pmd(mm, address)
        if ref is not None:
            found[done : done + here] = column_view(ref[0])[index : index + here] & leaf == leaf
        done += here
    return found
