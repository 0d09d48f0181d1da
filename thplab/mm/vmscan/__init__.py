"""mm/vmscan.c: reclaim."""
