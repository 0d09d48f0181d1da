"""What reads a recording, offered beside the stage; the package's lazy loader knows its own modules only."""

from thplab.reading.compare import Comparison, compare
from thplab.reading.text import moment_text, window_text

__all__ = ["Comparison", "compare", "moment_text", "window_text"]
