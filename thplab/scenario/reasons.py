"""Why nothing happened in a step: read from its events and from the machine's state after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from thplab.mm.huge_memory.policy import thp_vma_allowable_order
from thplab.mm.include.huge_mm import TvaType, thp_vma_suitable_order, vma_thp_disabled
from thplab.mm.include.mm_types import VM_HUGEPAGE, VM_NOHUGEPAGE, Vma, vma_is_anonymous
from thplab.scenario.actor import Actor
from thplab.scenario.observe import COLLAPSES, SCANS
from thplab.words import counted

if TYPE_CHECKING:
    from thplab.scenario.run import ScenarioRun


def everybody(actors: Mapping[str, Actor]) -> Iterator[Actor]:
    """The living processes, children after their parents."""
    for actor in actors.values():
        if actor.alive:
            yield actor
        yield from everybody(actor.kids)


def why_nothing(run: ScenarioRun, step: Mapping[str, Any], seen: Mapping[str, Any]) -> list[str]:
    """A sentence for each process of which no window became huge in the step; none if that was not its aim.

    ``seen``: what the step returned, with its ``counters``.
    """
    wakeups = seen.get("wakeups", ())
    events = [*seen.get("events", ()), *(event for wakeup in wakeups for event in wakeup["events"])]
    if step["type"] == "fault":
        return _why_small(run, step, seen["counters"])
    if any(event["ev"] in COLLAPSES and event["status"] == "succeeded" for event in events):
        return []
    if step["type"] == "madvise_collapse":
        if not any(call["ret"] for call in seen["calls"]):
            return []
        actor = _who(run, step)
        refused = _refused_windows(actor, events, "MADV_COLLAPSE")
        return refused or _refused_mappings(actor, TvaType.FORCED_COLLAPSE) or _refused_calls(actor, seen)
    if step["type"] not in ("khugepaged", "sleep"):
        return []
    if run.machine.kernel.khugepaged.thread is None:
        return [f"khugepaged does not run: {_words(run)}"]
    gone = [f"process {actor.name} has exited" for actor in run.actors.values() if not actor.alive]
    return [*gone, *(text for each in everybody(run.actors) for text in _why_not_scanned(run, each, events))]


def _who(run: ScenarioRun, step: Mapping[str, Any]) -> Actor:
    """The process of a step, which may have exited in it."""
    return run.actors[step.get("proc", run.scenario.processes[0].name)]


def _words(run: ScenarioRun) -> str:
    knobs = run.machine.kernel.knobs
    size, shared = knobs.hugepage_size_enabled, knobs.shmem_enabled
    return f"enabled is {knobs.enabled}, hugepages-2048kB/enabled {size}, shmem_enabled {shared}"


def _why_not_scanned(run: ScenarioRun, actor: Actor, events: Sequence[Mapping[str, Any]]) -> list[str]:
    scan, mm = run.machine.kernel.khugepaged, actor.process.mm
    scanned = _refused_windows(actor, events, "khugepaged")
    if scanned:
        return scanned
    eligible = any(thp_vma_allowable_order(vma, vma.vm_flags, TvaType.KHUGEPAGED) for vma in mm.vmas)
    refused = [] if eligible else _refused_mappings(actor, TvaType.KHUGEPAGED)
    if all(slot.mm is not mm for slot in scan.mm_head):
        later = "; the first fault in another window, or MADV_HUGEPAGE, would" if eligible else ""
        return [f"khugepaged does not know process {actor.name}: nothing registered it{later}", *refused]
    budget = run.machine.kernel.knobs.pages_to_scan
    return refused or [
        f"khugepaged did not come to process {actor.name}: a pass ends after pages_to_scan, {budget} pages"
    ]


def _refused_windows(actor: Actor, events: Sequence[Mapping[str, Any]], who: str) -> list[str]:
    last = {e["window"]: e["status"] for e in events if e["ev"] in SCANS and e["proc"] == actor.name}
    by_status: dict[str, list[int]] = {}
    for window, status in last.items():
        by_status.setdefault(status, []).append(window)
    return [
        f"{who} refused {counted(len(windows), 'window')} of process {actor.name}: {status} "
        f"({', '.join(map(str, windows[:8]))}{', ...' if len(windows) > 8 else ''})"
        for status, windows in by_status.items()
    ]


def _refused_calls(actor: Actor, seen: Mapping[str, Any]) -> list[str]:
    """Calls that did not come to a window."""
    entries = actor.machine.kernel.geometry.HPAGE_PMD_NR
    return [
        f"MADV_COLLAPSE of pages {first} to {end - 1}: {call['errno']}"
        + ("" if -(-first // entries) < end // entries else ", as no whole window lies in them")
        for call in seen["calls"]
        if call["ret"]
        for first, end in [call["pages"]]
    ]


def _refused_mappings(actor: Actor, tva: TvaType) -> list[str]:
    page = actor.machine.kernel.geometry.PAGE_SIZE
    return [
        f"process {actor.name}, pages {(vma.vm_start - actor.region) // page} to "
        f"{(vma.vm_end - actor.region) // page - 1}: {reason}"
        for vma in actor.process.mm.vmas
        if vma.vm_start >= actor.region and (reason := refusal(vma, tva))
    ][:8]


def refusal(vma: Vma, tva: TvaType) -> str:
    """Why this mapping may not have huge pages, for who asks; empty if it may."""
    kernel, mm, flags = vma.mm.kernel, vma.mm, vma.vm_flags
    if thp_vma_allowable_order(vma, flags, tva):
        return ""
    if flags & VM_NOHUGEPAGE:
        return "MADV_NOHUGEPAGE forbids huge pages here"
    if vma_thp_disabled(mm, flags, tva):
        return "prctl(PR_SET_THP_DISABLE) forbids huge pages in this process"
    size = kernel.geometry.HPAGE_PMD_SIZE
    if tva is not TvaType.PAGEFAULT and not thp_vma_suitable_order(vma, vma.vm_end - size):
        return f"no aligned window of {size >> 10} kB lies in the mapping"
    knob = "enabled" if vma_is_anonymous(vma) else "shmem_enabled"
    word = getattr(kernel.knobs, knob)
    if thp_vma_allowable_order(vma, flags | VM_HUGEPAGE, tva):
        return f"{knob} is {word}, and MADV_HUGEPAGE was not called"
    if vma_is_anonymous(vma) and vma.anon_vma is None and word != "never":
        return "nothing was ever written here"
    return f"{knob} is {word}"


def _why_small(run: ScenarioRun, step: Mapping[str, Any], counters: Mapping[str, int]) -> list[str]:
    """Touches that fault, write, and get small pages."""
    if counters.get("thp_fault_alloc") or not counters.get("pgfault"):
        return []
    if counters.get("thp_fault_fallback_charge"):
        return ["a fault got a small page: the cgroup's limit has no room for a huge one"]
    if counters.get("thp_fault_fallback"):
        return ["a fault got a small page: no huge page was free, and defrag did not let it wait for one"]
    actor, reasons = _who(run, step), {}
    for address in (actor.address(touch["page"]) for touch in step["touches"] if touch.get("write")):
        for vma in actor.process.mm.vmas:
            if vma.vm_start <= address < vma.vm_end and not thp_vma_suitable_order(vma, address):
                reasons[vma.vm_start] = "the aligned window around the page does not lie in the mapping"
            elif vma.vm_start <= address < vma.vm_end:
                reasons[vma.vm_start] = refusal(vma, TvaType.PAGEFAULT)
    return [f"a fault got a small page: {reason}" for reason in dict.fromkeys(reasons.values()) if reason]
