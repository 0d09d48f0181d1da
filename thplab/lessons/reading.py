"""Facts of a run that notebooks ask for; the package's lazy loader knows its own modules only."""

from thplab.reading.facts import call_of, counter, free_frames, locks_held, rss_pages, span, trace_field

__all__ = ["call_of", "counter", "free_frames", "locks_held", "rss_pages", "span", "trace_field"]
