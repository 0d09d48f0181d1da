"""mm/page_alloc.c: free lists, reserves, allocation."""
