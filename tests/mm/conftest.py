"""What several tests of the model need."""

from __future__ import annotations

import signal
from contextlib import contextmanager

import pytest


@pytest.fixture
def alarm():
    """``with alarm(seconds):`` a block that must end by then (where the system has SIGALRM)."""

    @contextmanager
    def limit(seconds: int):
        def too_long(*_):
            raise TimeoutError(f"still running after {seconds} s")

        if not hasattr(signal, "SIGALRM"):
            pytest.skip("no SIGALRM here")
        old = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(seconds)
        try:
            yield
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, old)

    return limit
