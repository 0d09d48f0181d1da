"""The questions themselves: functions ``(Random) -> Question``, one module for each theme of a notebook."""
