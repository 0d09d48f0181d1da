"""The questions of notebook 09: where the two scanners meet, when kcompactd stops, and what it makes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from thplab.experiments.lanes import LANES
from thplab.lessons.kinds.classify import Classify
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Choice, Number
from thplab.lessons.kinds.vote import Vote
from thplab.lessons.runs.lanes import lane
from thplab.lessons.runs.scanners import batches, comb_run, huge_after, proactive_rows
from thplab.reading.facts import event_of
from thplab.recording import Recording
from thplab.stage.stops import SCENE
from thplab.sweeps import ProactiveRow

_BLOCKS = 8
_USED = 128


def _row(value: int, pinned: tuple[int, ...] = ()) -> ProactiveRow:
    return proactive_rows(value, pinned_blocks=pinned)[0]


def stop(random: Random) -> Question:
    """After how many blocks does it stop?"""
    row = _row(random.choice((20, 40, 60, 80, 100)))
    return Question(
        "09.stop",
        f"The comb: {_BLOCKS} blocks, in each of them {_USED} frames in use. "
        f"vm.compaction_proactiveness is {row.proactiveness}. How many free 2 MiB blocks does kcompactd "
        "make before it stops?",
        Number(row.blocks, "blocks"),
        f"It starts because {row.score_before} is above {row.high_mark}, and stops at the first score "
        f"that is not above {row.low_mark}: {row.score_after}, after {row.copies} copies.",
        (
            "The low mark is 100 minus proactiveness. Go down the score ladder until you are not above it.",
            "What share of the free memory lies in blocks of 2 MiB? The score is the rest, in per cent.",
        ),
        (
            Mistake(
                lambda n: n == 6 != row.blocks,
                "That would be all that can be had. It stops at the low mark: perfection costs copies.",
            ),
            Mistake.gives(row.blocks - 1, "At that score it is still above the low mark, and goes on."),
            Mistake.gives(
                row.blocks + 1, "One too many: it asks after each block, and was below the mark by then."
            ),
            Mistake.gives(row.copies, "Those are the pages that it copies. How many blocks become free?"),
        ),
        vote=lambda: _to_the_end(comb_run(row.proactiveness)),
    )


def _to_the_end(recording: Recording, **more: Any) -> Vote:
    """From the beginning of the compaction to the end of the run."""
    return Vote(recording, event_of(recording, "mm_compaction_begin"), len(recording) - 1, **more)


def copies(random: Random) -> Question:
    """How many pages are moved?"""
    row = _row(random.choice((20, 40, 60, 80, 100)))
    return Question(
        "09.copies",
        f"The comb again: {_USED} frames of each block are in use. kcompactd makes {row.blocks} free "
        "blocks. How many pages does it move?",
        Number(row.copies, "pages"),
        f"{_USED} for each block that becomes free. Pages of the blocks at the upper end stay: they are "
        "where others move to.",
        ("To free a block, all that lies in it must go somewhere else.", f"{_USED} pages a block."),
        (
            Mistake.gives(_BLOCKS * _USED, "All of them? What lies at the upper end already need not move."),
            Mistake.gives(row.blocks * 512, "Only frames in use are copied, and a block has fewer of them."),
            Mistake.gives(row.blocks, "PTEs or windows? A block is not a page."),
        ),
    )


def start(random: Random) -> Question:
    """At which value does it start?"""
    values = sorted((*random.sample((0, 11), 2), *random.sample((12, 20, 40), 2)))
    rows = {value: _row(value) for value in values}
    right = min(value for value, row in rows.items() if row.copies)
    kind = Choice.shuffled(random, str(right), *(str(value) for value in values if value != right))
    score = rows[right].score_before
    return Question(
        "09.start",
        f"The comb's score is {score}. What is the smallest of these values of "
        "vm.compaction_proactiveness at "
        "which kcompactd starts by itself?",
        kind,
        f"{score} is above {rows[right].high_mark}. At the smaller values it is not.",
        (
            "It starts when the score is above the high mark: above, not at it.",
            "The high mark is the low mark plus 10, and at most 100.",
        ),
        (
            Mistake(
                lambda i: int(kind.options[i]) > right, "It does start there, but a smaller one will do."
            ),
            Mistake(
                lambda i: rows[int(kind.options[i])].high_mark >= score,
                "The score must be above the mark. At the mark nothing happens.",
            ),
        ),
    )


def pins(random: Random) -> Question:
    """How many blocks become free if some hold a page that cannot move?"""
    pinned = tuple(sorted(random.sample(range(6), random.randrange(1, 4))))
    row, free = _row(100, pinned), _row(100)
    return Question(
        "09.pins",
        f"In each of these blocks of the comb one page is pinned: {', '.join(map(str, pinned))}. kcompactd "
        f"does all that it can (without pins: {free.blocks} free blocks for {free.copies} copies). How many "
        "free blocks does it make now?",
        Number(row.blocks, "blocks"),
        f"One page that cannot move spoils its block, and it costs almost as much: {row.copies} copies.",
        (
            "A block is free only if every page of it is.",
            "The two blocks at the upper end are filled in any case.",
        ),
        (
            Mistake.gives(free.blocks, "One page of 4 KiB in the wrong place spoils 2 MiB.", "M19"),
            Mistake.gives(_BLOCKS - len(pinned), "And where would the pages go? Two blocks are filled."),
        ),
        vote=lambda: _to_the_end(comb_run(100, pinned_blocks=pinned), others=(0, len(pinned))),
    )


def huge(random: Random) -> Question:
    """How many huge mappings are there afterwards?"""
    value = random.choice((20, 100))
    recording = comb_run(value)
    right = huge_after(recording)
    return Question(
        "09.huge",
        f"kcompactd has made {_row(value).blocks} free blocks of 2 MiB. How many huge pages does the "
        "program have mapped now?",
        Number(right, "huge pages"),
        "kcompactd makes free memory, no mapping. Somebody else must come and use the blocks: a fault, or "
        "khugepaged.",
        (
            "What does kcompactd change in a page table?",
            "It moves small pages: the entries point to other frames, and are as small as before.",
        ),
        (
            Mistake(
                lambda n: n > 0,
                "Look at the counter of mappings (AnonHugePages), not at the free list.",
                "M2",
                (1, _row(value).blocks),
            ),
        ),
        vote=lambda: Vote(
            recording, len(recording) - 2, len(recording) - 1, evidence=(), views=(SCENE, "counters")
        ),
    )


def batch(random: Random) -> Question:
    """How far has the migrate scanner come?"""
    recording = comb_run(100)
    all_batches = list(batches(recording))
    number = random.randrange(1, len(all_batches) - 1)
    seen, following = all_batches[number], all_batches[number + 1]
    first = following.migrate[0]
    return Question(
        "09.batch",
        f"A batch of the comb: the migrate scanner began at frame {seen.migrate[0]} and read "
        f"{seen.migrate[1] - seen.migrate[0]} frames; it took {seen.taken} pages. At which frame does it "
        "begin the next batch?",
        Number(first),
        "It goes on where it stopped: upwards, and what it has read it does not read again.",
        ("The migrate scanner goes up, the free scanner goes down.", "Where it began, plus what it read."),
        (
            Mistake.gives(
                seen.migrate[0] + seen.taken, "It takes the pages in use, but it reads the free ones, too."
            ),
            Mistake.gives(seen.migrate[0], "It does not begin again: what was taken is gone from there."),
            Mistake.gives(
                seen.migrate[0] - (seen.migrate[1] - seen.migrate[0]), "That is the other scanner's way."
            ),
        ),
        vote=lambda: Vote(
            recording,
            event_of(recording, "mm_compaction_migratepages", number + 1),
            event_of(recording, "mm_compaction_isolate_migratepages", number + 2),
            evidence=(),
        ),
    )


_WORKERS = {
    "P": "the program itself",
    "khugepaged": "khugepaged",
    "kcompactd0": "kcompactd",
    "nobody": "nobody",
}


def who(random: Random) -> Question:
    """Who compacts?"""
    groups = {LANES[letter].who: _WORKERS[lane(letter).worked] for letter in "ABEFGH"}
    ordered = {who: group for word in _WORKERS.values() for who, group in groups.items() if group == word}
    kind = Classify.shuffled(random, ordered)
    mine = kind.items.index(LANES["F"].who)
    return Question(
        "09.who",
        "Six ways to look for a huge page on the comb, where no block is free. Who compacts?",
        kind,
        "Whoever allocates may compact for itself, and waits meanwhile. kcompactd works for nobody in "
        "particular.",
        (
            "Direct compaction is done by the task that allocates, in its own time.",
            "khugepaged has no bit that would wake anybody else.",
        ),
        (
            Mistake(
                lambda given: kind.options[given[mine]] == "kcompactd",
                "khugepaged's mask lacks the bit that wakes kswapd, and with it kcompactd. It works for "
                "itself.",
                "M31",
            ),
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {
    "09.stop": stop,
    "09.copies": copies,
    "09.start": start,
    "09.pins": pins,
    "09.huge": huge,
    "09.batch": batch,
    "09.who": who,
}
