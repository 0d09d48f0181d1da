"""Rules that hold after any sequence of operations."""
