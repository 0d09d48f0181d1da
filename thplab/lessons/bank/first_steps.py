"""The questions of notebook 00."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from thplab import points
from thplab.lessons.kinds.question import Mistake, Question
from thplab.lessons.kinds.simple import Choice, Number
from thplab.mm.include.geometry import X86_64
from thplab.reading.facts import call_of, window_frames
from thplab.recording import record_scenario


def where(random: Random) -> Question:
    """Where do the data lie after a collapse?"""
    recording = record_scenario("note", depth="functions")
    before, after = window_frames(recording, 0), window_frames(recording, len(recording) - 1)
    stayed = len(set(before) & set(after))
    moved, same = "in other frames: they were copied there", "in the same frames, which now count as one page"
    half = "half of them were copied, where there was room"
    texts = [moved, same, half]
    random.shuffle(texts)
    right = same if stayed == len(before) else moved if not stayed else half
    options = tuple(texts)
    return Question(
        "00.where",
        f"Before the collapse the program's data lay in {len(before)} frames of memory. Where do they "
        "lie after it?",
        Choice(options, options.index(right)),
        f"Frames that hold the data before and after: {stayed} of {len(before)}. The new ones are "
        f"{after[0]:#x} to {after[-1]:#x}, without a gap.",
        (
            "Frames that came one by one may lie anywhere. A huge page must be 512 frames in a row.",
            "On the stage select an entry, and compare its frame number (pfn) before and after.",
        ),
        (
            Mistake(
                lambda i: options[i] == same, "Nothing is glued: frames that lie scattered stay scattered."
            ),
        ),
    )


def entries(random: Random) -> Question:
    """How many entries does a huge page replace?"""
    recording = record_scenario("note", depth="functions")
    right = len(window_frames(recording, 0))
    kib = recording.header["geometry"]["entries"] * X86_64.PAGE_SIZE >> 10
    return Question(
        "00.entries",
        f"A window has {kib} KiB, a small page has {X86_64.PAGE_SIZE >> 10} KiB. How many entries of a "
        f"page table does "
        "one huge page replace by a single one?",
        Number(right, "entries"),
        "One table, all of it: the leaf takes the place of the whole table.",
        ("One small page stands behind each entry.", f"{kib} divided by {X86_64.PAGE_SIZE >> 10}."),
        (
            Mistake.gives(right * 2, "That is one too many halvings undone: 2 MiB are 2048 KiB, not 4096."),
            Mistake.gives(1, "One entry is what is left; how many were there before?"),
            Mistake.gives(kib, "That is the window in KiB: divide by the size of a small page."),
        ),
    )


def who(random: Random) -> Question:
    """Who makes the huge page?"""
    recording = record_scenario("note", depth="functions")
    copying = recording.moment(call_of(recording, points.COPY))
    words = {"khugepaged": "a thread of the kernel", "app": "the program itself, in its next page fault"}
    right = words[copying.task.rpartition("-")[0]]
    others = {
        *words.values(),
        "the program's memory allocator (malloc)",
        "the processor, when it has time",
    } - {right}
    kind = Choice.shuffled(random, right, *sorted(others))
    return Question(
        "00.who",
        "In the run of notebook 00 the pages of a program are copied into one huge page. Whose work is that?",
        kind,
        f"On the stage the running task stands beside the clock: {copying.task}.",
        (
            "The program is not asked, and does not wait for it in a system call.",
            "Look who runs when __collapse_huge_page_copy is entered.",
        ),
        (
            Mistake(
                lambda i: "page fault" in kind.options[i],
                "A fault can make a huge page of memory that is not there yet. This memory was there.",
            ),
        ),
    )


QUESTIONS: dict[str, Callable[[Random], Question]] = {"00.where": where, "00.entries": entries, "00.who": who}
