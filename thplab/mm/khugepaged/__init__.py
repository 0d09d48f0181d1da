"""mm/khugepaged.c: scan windows, collapse them."""
