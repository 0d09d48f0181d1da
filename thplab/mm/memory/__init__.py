"""mm/memory.c: page faults, and taking mappings away."""
