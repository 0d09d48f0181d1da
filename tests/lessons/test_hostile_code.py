"""Code that does not end, does not parse, or damages what it runs in: told in words, no harm."""

from __future__ import annotations

import builtins
import gc
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lessons.hostile_code import DAMAGING, DOUBLE, ENDLESS, UNREADABLE, source
from tests.sampling import sample
from thplab.lessons.kinds.question import Question, Verdict
from thplab.lessons.trial.job import Limits


def doubles(seconds: float) -> Question:
    """A question whose code may take so long."""
    kind = replace(DOUBLE, limits=Limits(seconds, memory=64 << 20))
    return Question("00.double", "Double it.", kind, "That is twice as much.", ("Add.", "Add it."))


#: What ends by itself gets more time than it takes, and what does not, little.
PATIENT, SHORT = doubles(4), doubles(0.6)
#: Seconds after which something is said at the latest: much more than it takes, on a busy computer.
PATIENCE = 20


def drawn(kinds: dict[str, str], count: int) -> list[object]:
    """All of them in the long run, some in every."""
    some = sample(list(kinds), count)
    return [pytest.param(kind, marks=[] if kind in some else [pytest.mark.long]) for kind in kinds]


def state() -> dict[str, object]:
    """What an answer must not change."""
    return {
        "builtins": dict(vars(builtins)),
        "os": dict(vars(os)),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)],
        "place": (os.getcwd(), dict(os.environ), list(sys.path), sorted(Path().iterdir())),
        "python": (
            sys.gettrace(),
            sys.stdin,
            sys.stdout,
            sys.stderr,
            sys.getrecursionlimit(),
            gc.isenabled(),
        ),
        "thplab": {name: id(each) for name, each in sys.modules.items() if name.startswith("thplab.")},
    }


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Verdict]]:
    """Judges a source, and holds what is said and Python itself to be in order."""
    monkeypatch.chdir(tmp_path)
    Path("kept").write_text("as it is")
    PATIENT.judge("def f(x): return 0")  # whatever is imported for it is there now

    endless = {source(each) for each in ENDLESS.values()}

    def judged(text: str) -> Verdict:
        before, begin = state(), time.monotonic()
        verdict = (SHORT if text in endless else PATIENT).judge(text)
        assert time.monotonic() - begin < PATIENCE
        assert state() == before
        assert verdict.right is not True
        assert len(verdict.message) < 700
        assert not re.search(r"Traceback|File \"|[\x00-\x08\x0e-\x1f\ud800-\udfff]", verdict.told)
        return verdict

    yield judged
    assert doubles(30).judge(DOUBLE.key).right is True  # the next answer finds everything in order


def line_named(text: str, message: str) -> int | None:
    """The number of the line that a message names; it quotes the line."""
    found = re.search(r'[Ll]ine (\d+) of your code, "(.*?)( \.\.\.)?"[,:. ]', message)
    if found is None:
        return None
    lines = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00").split("\n")
    assert lines[int(found[1]) - 1].strip().startswith(found[2])
    return int(found[1])


#: These can't be asked for their line: they take away what would tell it.
WITHOUT_A_LINE = {"signals ignored", "alarms ignored"}


@pytest.mark.parametrize("kind", drawn(ENDLESS, 3))
def test_what_does_not_end_is_ended(judge: Callable[[str], Verdict], kind: str) -> None:
    text = source(ENDLESS[kind])
    verdict = judge(text)
    assert verdict.right is False
    if kind == "printing in C":
        assert "wrote more than an answer may" in verdict.message
    else:
        assert "was still running after 0.6 s, and was stopped" in verdict.message
    assert (line_named(text, verdict.message) is None) is (kind in WITHOUT_A_LINE)


@pytest.mark.parametrize("kind", drawn(DAMAGING, 10))
def test_what_does_damage_does_it_elsewhere(judge: Callable[[str], Verdict], kind: str) -> None:
    text = source(DAMAGING[kind])
    verdict = judge(text)
    assert verdict.right is False
    line_named(text, verdict.message)
    if "1 / 0" in text and "builtins" not in text and kind not in ("no json", "closed descriptors"):
        assert "ZeroDivisionError" in verdict.message  # all else has not disturbed the check


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_python_cannot_read_is_no_answer_and_has_its_line(
    judge: Callable[[str], Verdict], kind: str
) -> None:
    text, line = UNREADABLE[kind]
    verdict = judge(source(text))
    assert verdict.right is None
    assert verdict.message.startswith("That is not a valid answer: ")
    assert line_named(source(text), verdict.message) == line
    if line is None:
        assert "no function f; begin with: def f(x):" in verdict.message


def test_there_are_enough_of_them() -> None:
    assert len(ENDLESS) >= 30
    assert len(DAMAGING) >= 60
    assert len(UNREADABLE) >= 30
