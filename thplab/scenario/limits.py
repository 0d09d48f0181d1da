"""Where the model would be wrong, and says so instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from thplab.scenario.errors import Unsupported
from thplab.scenario.observe import SCANNED

if TYPE_CHECKING:
    from thplab.scenario.run import ScenarioRun

#: Verdicts after which a kernel that knows smaller sizes would have tried them, or counted otherwise.
_SMALLER_SIZES_NEXT = (SCANNED, "isolate", "collapse")
_SAME_IN_ALL_SIZES = frozenset(
    {
        "succeeded", "failed", "page_pmd_mapped", "no_pte_table", "exceed_swap_pte", "exceed_shared_pte",
        "lack_referenced_page", "not_suitable_page_count", "page_locked", "page_not_in_lru", "pte_uffd_wp",
        "page_lazyfree",
    }
)  # fmt: skip


def refuse_collapse_into_smaller_sizes(run: ScenarioRun, events: Sequence[Mapping[str, Any]]) -> None:
    """Raise Unsupported if a pass of khugepaged would have made huge pages of less than 2 MiB.

    It would where such a size is enabled, and 2 MiB is not or was refused for another reason than one
    that refuses the whole window. Those reasons are found by the scan; a failed isolation is not one.
    """
    kernel = run.machine.kernel
    enabled = any(word != "never" for word in kernel.knobs.mthp_enabled)
    if not kernel.profile.collapses_into_smaller_sizes or not enabled:
        return
    registered = {slot.mm.name.partition(".")[0] for slot in kernel.khugepaged.mm_head} & set(run.actors)
    tried = [event for event in events if event["ev"] in _SMALLER_SIZES_NEXT]
    refused = any(
        event["status"] not in _SAME_IN_ALL_SIZES
        or (event["ev"] == "isolate" and event["status"] != "succeeded")
        for event in tried
    )
    word = kernel.knobs.hugepage_size_enabled
    without_2m = word == "never" or (word == "inherit" and kernel.knobs.enabled == "never")
    if refused or (registered and without_2m):
        raise Unsupported(f"{kernel.profile.name} collapses into sizes below 2 MiB; that is not modelled")
