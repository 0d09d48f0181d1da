"""mm/compaction.c: two scanners, one from each end, and the daemon."""
