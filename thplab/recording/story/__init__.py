"""The story of a run: for each moment that matters a sentence of what has happened, and why."""

from thplab.recording.story import collapse, compaction, faults, locks, naps, passes, scan, tasks, windows
from thplab.recording.story.narrate import LOOPS, Narrator
from thplab.recording.story.template import TEMPLATES, Rank, Template, Told, Value, fill

__all__ = ["LOOPS", "TELLERS", "TEMPLATES", "Narrator", "Rank", "Template", "Told", "Value", "fill"]

#: The modules whose functions tell something.
TELLERS = (collapse, compaction, faults, locks, naps, passes, scan, tasks, windows)
