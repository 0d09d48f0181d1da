"""mm/madvise.c: advice."""
