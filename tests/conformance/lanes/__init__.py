"""Recorded lanes (tests/data/captures/lanes) run again on the model, step by step, and compared."""
