"""mm/rmap.c: who maps a folio."""
