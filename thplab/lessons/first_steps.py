"""The question of notebook 00."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from thplab.lessons.facts import window_frames
from thplab.lessons.kinds import Choice
from thplab.lessons.question import Mistake, Question
from thplab.recording import record_scenario

__all__ = ["QUESTIONS"]


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
        f"Of the {len(before)} frames {stayed} are still the same. The new ones are {after[0]:#x} to "
        f"{after[-1]:#x}, without a gap.",
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


QUESTIONS: dict[str, Callable[[Random], Question]] = {"00.where": where}
