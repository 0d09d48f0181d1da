"""mm/shmem.c: shared memory."""
