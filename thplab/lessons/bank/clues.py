"""The questions of notebook 05 about what a backtrace says."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from thplab import points
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Choice, Number
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.compare import model_backtrace
from thplab.lessons.runs.decode import LEVELS, page_pfn, table_indices
from thplab.lessons.runs.gdb import SOURCES, load_backtrace
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE, GFP_TRANSHUGE_LIGHT, gfp_names
from thplab.mm.include.page import VMEMMAP_START
from thplab.reading.facts import call_of, span, trace_field
from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario, scenario
from thplab.scenario.build import experiment


def _like_the_note(**changes: object) -> Scenario:
    return Scenario.from_data({**scenario("note").raw, **changes})


def caller(random: Random) -> Question:
    """Two real stacks reach the same function: whose is this one?"""
    source = random.choice(SOURCES[1:])
    route = random.choice(("khugepaged", "page fault"))
    frames = load_backtrace(source, route)
    names = " < ".join(frame.name for frame in frames[2:7])
    daemon = any(frame.name == points.THREAD.name for frame in frames)
    yes, no = "khugepaged, in its own thread", "the program that touched the memory, in a page fault"
    kind = Choice.shuffled(
        random, yes if daemon else no, no if daemon else yes, "kcompactd, after it moved pages"
    )
    last = next(f.name for f in reversed(frames) if f.name in (points.THREAD.name, points.FAULT.name))
    return Question(
        "05.caller",
        f"gdb stopped Linux {source} where a huge page had just been allocated. Frames 2 to 6, innermost "
        "first: "
        f"{names}. In whose time does this happen?",
        kind,
        f"Further out on this stack stands {last}.",
        (
            "Both routes share the innermost frames. Look for the place where they part.",
            "A page fault comes in through handle_mm_fault; khugepaged's work comes in through a scan.",
        ),
        (
            Mistake(
                lambda given: "kcompactd" in kind.options[given],
                "kcompactd makes free blocks and never a huge page: it can't be on the stack of its birth.",
            ),
        ),
        vote=lambda: _same_place(daemon),
    )


def _same_place(daemon: bool) -> Vote:
    """The model where a huge page has just been allocated, on one road or the other: only the stack tells."""
    touch: list[dict[str, Any]] = [{"type": "ops", "ops": [{"op": "write", "pages": [[0, 1]]}]}]
    made = experiment("512x young") if daemon else experiment("512x none", then=touch)
    recording = record_scenario(made, depth="functions")
    _, allocated = span(recording, points.ALLOCATE if daemon else points.ALLOC_HUGE)
    return Vote(recording, allocated, allocated + 1, evidence=(), views=("scene", "stack"))


def referenced(random: Random) -> Question:
    """512 present, some of them young: what does ``referenced`` say?"""
    young = random.randrange(50, 460)
    procs = [
        {
            "name": "app",
            "ops": [
                {"op": "mmap", "start": 0, "pages": 4096},
                {"op": "write", "pages": [[0, 512]]},
                {"op": "clear_refs"},
                {"op": "read", "pages": [[0, young]]},
            ],
        }
    ]
    recording = record_scenario(_like_the_note(procs=procs), depth="events")
    right = int(trace_field(recording, "mm_khugepaged_scan_pmd", "referenced"))
    return Question(
        "05.referenced",
        "A program wrote to all 512 pages of a window. Then the accessed marks were cleared "
        "(clear_refs), and it read "
        f"the first {young} pages a thousand times each. khugepaged scans: what does it report as "
        "referenced?",
        Number(right, "entries"),
        "It counts entries whose accessed mark is set (or whose page is marked in another way), each once.",
        (
            "referenced belongs to the scan of the table, not to the program's history.",
            "How many of the 512 entries carry the accessed mark when the scan looks at them?",
        ),
        (
            Mistake.gives(right * 1000, "It counts entries whose accessed mark is set, not accesses."),
            Mistake.gives(512, "All 512 are present, but clear_refs took the mark from all of them."),
            Mistake.gives(512 - young, "You counted the old ones; the report counts the young ones."),
            Mistake.gives(0, "Reading sets the accessed mark as well as writing does."),
        ),
    )


def gfp(random: Random) -> Question:
    """Who may be made to work for this allocation?"""
    wake = 1 << 11
    mask = random.choice(
        (GFP_TRANSHUGE, GFP_TRANSHUGE_LIGHT, GFP_TRANSHUGE_LIGHT | wake, GFP_HIGHUSER_MOVABLE)
    )
    names = gfp_names(mask)
    answers = {
        (True, False): "the caller itself may reclaim and compact; nobody else is woken",
        (False, True): "kswapd is woken; the caller itself does not wait",
        (True, True): "both: the caller itself, and kswapd is woken",
        (False, False): "nobody: what is not free now is not to be had",
    }
    right = answers["DIRECT_RECLAIM" in names, "KSWAPD_RECLAIM" in names]
    return Question(
        "05.gfp",
        f"Another trace shows gfp={mask}. Who may be made to work if there is no free block?",
        Choice.shuffled(random, right, *(text for text in answers.values() if text != right)),
        f"{mask} = {mask:#x} = {' | '.join(names)}.",
        (
            "Write the number in hexadecimal. Bit 10 is DIRECT_RECLAIM, bit 11 is KSWAPD_RECLAIM.",
            f"{mask:#x} >> 10 & 3 is {mask >> 10 & 3}: the lower of the two bits is DIRECT_RECLAIM.",
        ),
    )


def pfn(random: Random) -> Question:
    """Another machine, another ``page=``: which frame is it?"""
    start = random.randrange(1, 1 << 12) << 9
    machine = {**scenario("note").raw["machine"], "start_pfn": start}
    frames = model_backtrace(record_scenario(_like_the_note(machine=machine), "6.1", depth="functions"))
    pointer = int(frames[0].args["page"], 16)
    right = page_pfn(pointer)
    return Question(
        "05.pfn",
        f"On another machine frame #0 says page={pointer:#x}. Which page frame number is that? "
        f"(vmemmap begins at {VMEMMAP_START:#x}, a struct page takes 64 bytes.)",
        Number(right),
        f"({pointer:#x} - {VMEMMAP_START:#x}) / 64 = {right:#x}, a multiple of 512: {right:#x} / 0x200 = "
        f"{right >> 9:#x}.",
        (
            "All struct pages lie in one array. How far from its beginning is this one?",
            f"The distance is {pointer - VMEMMAP_START:#x} bytes; divide by the size of one record.",
        ),
        (
            Mistake.gives(right * 64, "That is the distance in bytes; a record takes 64 of them."),
            Mistake.gives(pointer >> 6, "Subtract where the array begins before you divide."),
            Mistake.gives(right >> 9, "You went on to count huge pages; a pfn counts base pages."),
            Mistake.gives(right << 12, "That is the physical address; the frame number is one 4096th of it."),
        ),
    )


def index(random: Random) -> Question:
    """Where in the tables does another window stand?"""
    address = random.randrange(1 << 20, 1 << 26) << LEVELS["PMD"]
    level = random.choice(("PGD", "PUD", "PMD"))
    indices = table_indices(address)
    right = indices[level]
    wrong = [name for name, value in indices.items() if name != level and value != right]
    return Question(
        "05.index",
        f"Another trace shows address={address}. Which index does it have in its {level} table?",
        Number(right),
        f"{address:#x} >> {LEVELS[level]} & 511.",
        (
            "Write the address in hexadecimal; each level takes nine bits, the offset in a page twelve.",
            f"The {level} index are the bits {LEVELS[level] + 8} to {LEVELS[level]}.",
        ),
        tuple(
            Mistake.gives(
                indices[name], f"That is the index in the {name} table: the shift is not that level's."
            )
            for name in wrong
        ),
    )


def budget(random: Random) -> Question:
    """After the first collapse khugepaged_scan_mm_slot is called again: with how many pages left?"""
    windows = random.choice((2, 3))
    procs = [
        {
            "name": "app",
            "ops": [
                {"op": "mmap", "start": 0, "pages": 4096},
                {"op": "write", "pages": [[0, 512 * windows]]},
            ],
        }
    ]
    recording = record_scenario(_like_the_note(procs=procs), depth="functions")
    call = call_of(recording, points.SCAN_MM, windows)
    right = int(dict(_labelled(recording, call))["pages"])
    first = int(dict(_labelled(recording, call_of(recording, points.SCAN_MM)))["pages"])
    entries = 512 * (windows - 1)
    return Question(
        "05.budget",
        f"The note's frame #5 shows the whole budget of a pass, pages={first}: it is the first call. In "
        "a run with "
        f"{windows} windows to collapse, what does call number {windows} show?",
        Number(right, "units"),
        f"Each call before it spent 512 for its window and 1 for the visit: {first} - {windows - 1} x 513.",
        (
            "One collapse ends the call, because it gave the lock back. What has the call spent by then?",
            "A window costs 512 whatever comes of it, and coming to the process costs something too.",
        ),
        (
            Mistake.gives(first - entries, "Nearly: the visit of the process itself costs 1 as well."),
            Mistake.gives(first - windows + 1, "PTEs or windows? One window is 512 entries."),
            Mistake.gives(first, "It shows what is left of the budget, not the budget."),
        ),
    )


def _labelled(recording: Recording, moment: int) -> list[tuple[str, str]]:
    """The arguments of the innermost kernel frame at a moment."""
    _, args = recording.stack(moment)[0].labels[0]
    return [(name, value) for name, _, value in (part.partition("=") for part in args.split(", "))]


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "05.caller": caller,
    "05.referenced": referenced,
    "05.gfp": gfp,
    "05.pfn": pfn,
    "05.index": index,
    "05.budget": budget,
}
