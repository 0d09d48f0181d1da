"""mm/huge_memory.c: huge pages at faults, who may have them, splitting them."""
