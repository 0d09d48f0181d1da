"""The questions of notebook 10: the same broken machine, and who makes a huge page of it at what price."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from thplab.experiments.lanes import LANES, SIZE, WINDOW, LaneResult
from thplab.experiments.why import CASES
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.explaining import Explain, Point
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Choice, Order
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.cases import case_result
from thplab.lessons.runs.lanes import lane, run_lanes
from thplab.machine import Machine
from thplab.mm.proc.task_mmu import huge_pages

_RESULTS = {
    "huge": "a huge page",
    "small": "512 small pages, and nothing failed",
    "failed": "an allocation that failed",
    "blocks": "free blocks, and no huge page",
}


def _grouped(groups: dict[str, str], words: dict[str, str]) -> dict[str, str]:
    """The same with the groups in the order of ``words``."""
    return {item: group for word in words.values() for item, group in groups.items() if group == word}


def result(random: Random) -> Question:
    """Which lanes make a huge page?"""
    groups = {LANES[letter].who: _RESULTS[lane(letter).result] for letter in "ABCEFGH"}
    kind = Classify.shuffled(random, _grouped(groups, _RESULTS))

    def says(letter: str, word: str) -> Callable[[tuple[int, ...]], bool]:
        item = kind.items.index(LANES[letter].who)
        return lambda given: kind.options[given[item]] == _RESULTS[word]

    return Question(
        "10.result",
        "No block of 512 frames is free. What does each lane come to?",
        kind,
        "Who compacts and allocates gets a huge page; who may not compact gets none; kcompactd alone "
        "makes room and maps nothing.",
        (
            "Two things are needed: a task that makes room, and a task that uses it.",
            "A fault that may not compact takes small pages, and that is no failure.",
        ),
        (
            Mistake(says("G", "huge"), "Look at the mapping counter, not at the free list.", "M2"),
            Mistake(says("E", "huge"), "With its own defrag at 0 khugepaged only takes what is free.", "M1"),
        ),
    )


def lane_result(random: Random) -> Question:
    """What does one lane come to?"""
    letter = random.choice("BEFG")
    seen = lane(letter)
    kind = Choice.shuffled(
        random, _RESULTS[seen.result], *(words for name, words in _RESULTS.items() if name != seen.result)
    )
    return Question(
        "10.lane",
        f"No block of 512 frames is free. One way to ask for a huge page: {LANES[letter].who}. What does it "
        "come to?",
        kind,
        f"{_WORKERS[seen.worked]} made room: {seen.moved} pages were moved. Mapped huge pages now: "
        f"{seen.huge_pages}.",
        (
            "Two things are needed: a task that makes room, and a task that uses it.",
            "Who may compact here, and who allocates?",
        ),
        (
            Mistake(
                lambda i: seen.result == "blocks" and kind.options[i] == _RESULTS["huge"],
                "Look at the mapping counter, not at the free list.",
                "M2",
            ),
            Mistake(
                lambda i: seen.result == "failed" and kind.options[i] == _RESULTS["huge"],
                "With its own defrag at 0 khugepaged only takes what is free.",
                "M1",
            ),
        ),
        vote=lambda: _whole(letter),
    )


def _whole(letter: str) -> Vote:
    """A lane from its beginning to its end."""
    recording = run_lanes((letter,)).recordings[letter]
    return Vote(recording, 1, len(recording) - 1, evidence=())


def price(random: Random) -> Question:
    """Order lanes by the pages that are copied."""
    letters = ["A", "B", "G", random.choice("DFH")]
    cost = {letter: lane(letter).moved + lane(letter).collapsed for letter in letters}
    options = [LANES[letter].who for letter in letters]
    random.shuffle(options)
    right = sorted(letters, key=lambda letter: cost[letter])
    return Question(
        "10.price",
        "Order these lanes by the number of base pages that have to be copied, the cheapest first.",
        Order(tuple(options), tuple(options.index(LANES[letter].who) for letter in right)),
        ", ".join(f"{LANES[letter].who}: {cost[letter]}" for letter in right)
        + ". A fault that compacts has nothing to copy but what stood in the way: its own page is new.",
        (
            "Two kinds of copies: pages that stood in the way of a block, and the window's own.",
            "A fault finds an empty window: nothing of its own is to be copied.",
        ),
        (
            Mistake(
                lambda given: len(given) == 4 and options[given[-1]] == LANES["B"].who,
                "Waiting is not copying: a fault's window is still empty, there is nothing of it to copy.",
            ),
        ),
    )


_WORKERS = {"P": "The program", "khugepaged": "khugepaged", "kcompactd0": "kcompactd", "nobody": "Nobody"}
_WAITERS = {"P": "the program", "khugepaged": "khugepaged", "nobody": "nobody"}


def waits(random: Random) -> Question:
    """Who waits while memory is compacted?"""
    groups = {LANES[letter].who: _WAITERS[lane(letter).waited] for letter in "ABDFGH"}
    return Question(
        "10.waits",
        "Who has to wait while memory is compacted?",
        Classify.shuffled(random, _grouped(groups, _WAITERS)),
        "The one who allocates waits: the program, if it is its own fault or its own call; khugepaged, "
        "if it is khugepaged. For kcompactd nobody waits.",
        (
            "Who asked for the block, and in whose time is it made?",
            "MADV_COLLAPSE is a system call: the caller does the work.",
        ),
    )


def waiter(random: Random) -> Question:
    """Who waits in one lane?"""
    letter = random.choice("BDFG")
    kind = Choice.shuffled(
        random,
        _WAITERS[lane(letter).waited],
        *(words for who, words in _WAITERS.items() if who != lane(letter).waited),
    )
    return Question(
        "10.waiter",
        f"Memory is compacted in this lane: {LANES[letter].who}. Who has to wait meanwhile?",
        kind,
        f"{_WORKERS[lane(letter).worked]} compacts, so {_WAITERS[lane(letter).waited]} waits.",
        (
            "Who asked for the block, and in whose time is it made?",
            "MADV_COLLAPSE is a system call: the caller does the work.",
        ),
        vote=lambda: _whole(letter),
    )


def knob(random: Random) -> Question:
    """Which knob is the difference?"""
    off, on = dict(LANES["E"].knobs), dict(LANES["F"].knobs)
    right = next(name for name in off if off.get(name) != on.get(name))
    assert lane("E").result != lane("F").result
    folder = "transparent_hugepage"
    kind = Choice.shuffled(
        random, f"{folder}/{right}", f"{folder}/defrag", f"{folder}/enabled", "vm.compaction_proactiveness"
    )
    return Question(
        "10.knob",
        f"khugepaged finds no free block. In one run it says {lane('E').result}, in another one, on the "
        f"same machine, it makes a {lane('F').result} page. A single knob is different. Which?",
        kind,
        "It is khugepaged's own switch: may it compact and reclaim?",
        ("Two files have the same name. In which directory?", "The faults' knob is not read by khugepaged."),
        (
            Mistake(
                lambda i: kind.options[i] == f"{folder}/defrag",
                "Two files are called defrag. That one is for faults; khugepaged does not read it.",
                "M14",
            ),
        ),
    )


#: A complaint -> the lanes that it fits, told by what came of them.
_COMPLAINTS: dict[str, Callable[[LaneResult], bool]] = {
    "Some first writes take very long, but then the page is huge.":
        lambda r: r.waited == "P" and not r.collapsed and r.result == "huge",
    "Much memory is free, and every try of khugepaged fails.":
        lambda r: r.result == "failed",
    "/proc/buddyinfo is full of large blocks now, and AnonHugePages did not move.":
        lambda r: r.result == "blocks",
    "One system call takes long, as we asked for; after it everything is fast.":
        lambda r: r.waited == "P" and r.collapsed > 0,
    "Nobody of us ever waits; huge pages do come, some time later.":
        lambda r: r.waited == "khugepaged" and r.result == "huge",
    "Nobody ever waits, nothing ever fails, and nothing becomes huge.":
        lambda r: r.result == "small",
}  # fmt: skip


def complaint(random: Random) -> Question:
    """Which lane is it?"""
    text = random.choice(list(_COMPLAINTS))
    fits = [letter for letter in "ABEFGH" if _COMPLAINTS[text](lane(letter))]
    wrong = random.sample([letter for letter in "ABEFGH" if letter not in fits], 3)
    return Question(
        "10.complaint",
        f"\u201c{text}\u201d Which lane is this user in?",
        Choice.shuffled(random, LANES[fits[0]].who, *(LANES[letter].who for letter in wrong)),
        f"In that lane: {lane(fits[0]).result}, {lane(fits[0]).moved} pages moved, "
        f"{lane(fits[0]).collapsed} copied, waited: {lane(fits[0]).waited}.",
        (
            "Who works, who waits, and is anything mapped huge in the end?",
            "Go through the table of lanes by the column that the complaint is about.",
        ),
    )


def _plain_fault_is_huge() -> bool:
    """The best case: enough memory, advised, aligned, untouched."""
    machine = Machine(memory_pages=8 * 512)
    process = machine.process("app")
    process.mmap(WINDOW, SIZE)
    process.madvise(WINDOW, SIZE, "hugepage")
    process.write(WINDOW, 1)
    return any(sum(huge_pages(vma)) for vma in process.mm.vmas)


def reason(random: Random) -> Question:
    """Which of these does not keep a fault from a huge page?"""
    assert _plain_fault_is_huge()
    modelled = [case for case in CASES if case_result(case.number).at_fault is False]
    decoy = random.choice((
        "the window was advised before its first touch, and a block is free",
        "nothing in the window was touched yet, it is aligned, advised, and memory is free",
    ))  # fmt: skip
    kind = Choice.shuffled(random, decoy, *(case.reason for case in random.sample(modelled, 3)))
    return Question(
        "10.reason",
        "Three of these keep a page fault from mapping a huge page, and are work for khugepaged later. "
        "Which one does not?",
        kind,
        "A fault makes a huge page if the PMD is empty, the window fits, the policy allows it, and a "
        "block can be had and charged. Each of the other three fails one of these.",
        (
            "What must be true for a fault to make a huge page?",
            "Empty PMD, window inside the VMA, policy, a block, a charge.",
        ),
    )


#: Ways to say that a fault gets no huge page -> cases of the table.
_FAULT_FAILS = (
    r"no (free )?(block|huge page|memory)|fragment|compact",
    r"already|present|not empty|touched|mapped before",
    r"too small|misalign|not align|vma|grew|grows",
    r"split",
    r"swap",
    r"cgroup|charge|limit",
    r"shared|shmem|file",
    r"exit|gives? back|freed later",
    r"node|numa",
    r"polic|advi[cs]e|enabled|madvise",
)


def why(random: Random) -> Question:
    """What is khugepaged for?"""
    points = {
        "different reasons why a fault makes no huge page": Point(_FAULT_FAILS, 3),
        "that khugepaged copies": Point((r"cop(y|ies|ied)|moves? (the )?(data|contents|pages)",)),
        "that it is slow, or comes later": Point((r"slow|later|seconds|minutes|hours|nap|after",)),
    }
    reasons = [case.reason for case in CASES if case_result(case.number).at_fault is False][:3]
    example = (
        f"A fault has one chance, and it may fail: {'; '.join(reasons)}. khugepaged comes later, slowly, and "
        "copies the small pages into a huge one."
    )
    return Question(
        "10.why",
        "Huge pages are made at page faults already. What is khugepaged for? Answer in two sentences: three "
        "different reasons why a fault makes none, what khugepaged does instead, and at what speed.",
        Explain(points, example),
        "Words were found, not understood: read your sentences once more, and the table of the nine runs.",
        (
            "When is a fault's chance, and what may be in its way?",
            "The five things that must be true for a fault, and the two prices of a collapse.",
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "10.result": result,
    "10.lane": lane_result,
    "10.price": price,
    "10.waiter": waiter,
    "10.waits": waits,
    "10.knob": knob,
    "10.complaint": complaint,
    "10.reason": reason,
    "10.why": why,
}
