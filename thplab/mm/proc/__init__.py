"""fs/proc/: the model's files under /proc."""
