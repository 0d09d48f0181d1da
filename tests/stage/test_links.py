"""Links come from anywhere: whatever is none is refused in words, before it costs anything."""

from __future__ import annotations

import json
import time
import zlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recording.clock import seconds
from tests.sampling import check_drawn, draws
from thplab.scenario import ScenarioError, scenario
from thplab.stage.link import open_link


def link(packed: bytes, end: str = "@6.18/events#0") -> str:
    return f"thplab:data={urlsafe_b64encode(packed).decode()}{end}"


RAW = json.dumps(scenario("note").raw).encode()
GOOD = link(zlib.compress(RAW))


def refused(text: str) -> str:
    begin = time.process_time()
    with pytest.raises(ValueError, match=r".") as caught, seconds(30):
        open_link(text)
    assert time.process_time() - begin < 5
    assert len(str(caught.value)) < 500
    return str(caught.value)


def zeros(count: int, wbits: int = 15) -> bytes:
    stream = zlib.compressobj(1, wbits=wbits)
    return b"".join([*(stream.compress(bytes(1 << 20)) for _ in range(count)), stream.flush()])


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(b"[" * 200_000), zlib.compress(b'{"a":' * 100_000), zlib.compress(b"[]," * 5_000_000),
        zlib.compress(b"9" * 100_000), zlib.compress(RAW + b" " * (5 << 20)), zeros(40), zeros(40, 31),
        zlib.compress(RAW) + b"more", zlib.compress(RAW)[:-1], zlib.compress(b"NaN"), zlib.compress(b"[]"),
        zlib.compress(b"\xff"), b"",
    ],
)  # fmt: skip
def test_a_scenario_that_asks_for_too_much_is_refused(packed: bytes) -> None:
    assert refused(link(packed))


@pytest.mark.parametrize("step", ["١", "-1", "9" * 5000, "1.5", "99999", ""])
def test_a_moment_is_a_number_that_the_run_has(step: str) -> None:
    assert refused(f"thplab:note@6.18/events#{step}")
    assert refused(GOOD.partition("#")[0] + f"#{step}")


@draws(100)
def test_a_changed_link_opens_or_is_refused(examples: int) -> None:
    @given(st.integers(0, len(GOOD) - 1), st.characters() | st.sampled_from("=-_@#/:0A"), st.booleans())
    def holds(place: int, letter: str, cut: bool) -> None:
        text = GOOD[:place] if cut else GOOD[:place] + letter + GOOD[place + 1 :]
        try:
            with seconds(60):
                recording, step = open_link(text)
        except (ValueError, ScenarioError):
            return
        else:
            assert step < len(recording)

    check_drawn(holds, examples)
