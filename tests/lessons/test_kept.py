"""Answers are not lost, and no file disturbs a notebook: two kernels, damage, foreign files, no home."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import SEED, check_drawn, draws
from thplab.lessons import kept, progress, progress_file
from thplab.lessons.kinds.question import Verdict
from thplab.lessons.progress_file import ENVIRONMENT, forget, note

RIGHT = Verdict(True, "")
ENTRY = {"tries": 2, "right": True, "looked": False, "predicted": "x", "tags": {"M6": 1}}
GOOD = json.dumps({"version": 1, "answers": {"05.caller 0": ENTRY, "07.limit -3": ENTRY}}).encode()


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    progress_file._waiting.clear()
    yield
    progress_file._waiting.clear()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def answers(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_bytes())["answers"]
    return data


_NOTES = """
import sys
from thplab.lessons import progress_file as pf
from thplab.lessons.kinds.question import Verdict
print("begun", flush=True)
for i in range(int(sys.argv[2])):
    pf.note(f"05.q{sys.argv[1]}_{i}", 0, "x", Verdict(True, "m"))
    print(i, flush=True)
"""


def kernel(name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _NOTES, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_kernels_keep_all_answers(file: Path) -> None:
    pair = [kernel(name, 200) for name in "12"]
    for each in pair:
        each.communicate()
    assert set(answers(file)) == {f"05.q{name}_{i} 0" for name in "12" for i in range(200)}
    assert all(entry["tries"] == 1 for entry in answers(file).values())


def test_a_kernel_that_is_killed_loses_nothing_that_it_had_noted_and_locks_nobody_out(file: Path) -> None:
    draw, noted = random.Random(os.environ[SEED]), set()
    for round_ in range(4):
        child = kernel(str(round_), 10**6)
        assert child.stdout
        assert child.stdout.readline() == "begun\n"
        child.stdout.readline()
        time.sleep(draw.random() / 5)
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        last = max([0, *(int(line) for line in rest.splitlines() if line)][:-1], default=0)
        noted |= {f"05.q{round_}_{i} 0" for i in range(last)}
    begin = time.monotonic()
    note("05.after", 0, "x", RIGHT)
    assert time.monotonic() - begin < 2
    assert noted | {"05.after 0"} <= set(answers(file))


def test_an_answer_waits_while_another_kernel_writes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_PATIENCE", 0.05)
    with kept._turn(file):
        child = subprocess.Popen(
            [sys.executable, "-c", _NOTES.replace("print", "from thplab.lessons import kept; "
             "kept._PATIENCE = 0.05; print"), "1", "3"], stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout
        while child.stdout.readline() != "2\n":
            pass
        assert not file.exists()
    child.communicate()  # it is alone now: what has waited is written when the kernel ends


def test_an_answer_that_found_no_room_is_written_with_the_next(file: Path) -> None:
    note("05.first", 0, "x", RIGHT)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        note("05.second", 0, "x", RIGHT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert set(answers(file)) == {"05.first 0"}
    assert "Not written yet: 1" in progress().caption
    assert progress().rows[0][2] == "2"
    note("05.third", 0, "x", RIGHT)
    assert set(answers(file)) == {"05.first 0", "05.second 0", "05.third 0"}
    assert "Not written" not in progress().caption


#: Whatever JSON can say, and what only looks like it.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.fixed_dictionaries(
    {}, optional={key: st.just(value) | VALUES for key, value in ENTRY.items()}
) | st.just(ENTRY)
KEYS = st.sampled_from(["05.caller 0", "05.x -1", "x 0", "05. 1", ".a 1", "05.a", "", "05.a 1.5"]) | st.text()
FILES = st.one_of(
    st.binary(max_size=40),
    st.integers(0, len(GOOD) - 1).map(lambda cut: GOOD[:cut]),
    st.sampled_from([b"[" * 200_000, b"9" * 10_000, b'{"a":' * 90_000, b"\xff\xfe{}", b"NaN", b'"\\ud800"']),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"version": st.just(1) | VALUES, "answers": st.dictionaries(KEYS, ENTRIES) | VALUES},
        optional={"other": VALUES},
    ).map(lambda value: json.dumps(value).encode()),
)  # fmt: skip


@draws(60)
def test_any_content_is_used_or_set_aside_whole(examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    @given(FILES)
    def holds(content: bytes) -> None:
        progress_file._waiting.clear()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "progress.json")
            monkeypatch.setenv(ENVIRONMENT, str(path))
            path.write_bytes(content)
            str(progress())
            assert path.read_bytes() == content  # looking changes nothing
            note("99.new", 0, "x", RIGHT)
            now, aside = json.loads(path.read_bytes()), kept.set_aside(path)
            assert now["answers"].pop("99.new 0")["right"]
            assert [each.read_bytes() for each in aside] == ([] if _same(content, now) else [content])
            assert [each.name in progress().caption for each in aside] == [True] * len(aside)
            assert (kept.read(path)[1], progress_file._waiting) == ("", [])

    check_drawn(holds, examples)


def _same(content: bytes, now: Any) -> bool:
    """Was everything that the file said kept?"""
    try:
        return json.dumps(json.loads(content), sort_keys=True) == json.dumps(now, sort_keys=True)
    except (ValueError, RecursionError):
        return False


def test_a_newer_file_is_named_so_and_kept(file: Path) -> None:
    file.write_text('{"version": 2, "answers": {"mine": 1}}')
    assert "version 2" in progress().caption
    note("05.caller", 0, "x", RIGHT)
    assert [path.read_text() for path in kept.set_aside(file)] == ['{"version": 2, "answers": {"mine": 1}}']
    assert "progress.json.set-aside-1" in progress().caption


def test_a_full_disk_sets_a_file_aside_once(file: Path) -> None:
    file.write_bytes(b"foreign")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        for number in range(3):
            note(f"05.a{number}", 0, "x", RIGHT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(kept.set_aside(file)) == 1
    note("05.b", 0, "x", RIGHT)
    assert len(answers(file)) == 4
    assert [path.read_bytes() for path in kept.set_aside(file)] == [b"foreign"]


@pytest.mark.parametrize(
    "place", ["folder", "file/progress.json", "a" * 300, "/dev/zero", "/dev/full", "/proc/x/y"]
)
def test_a_place_that_can_hold_no_file_disturbs_nobody(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / place))
    note("05.caller", 0, "x", RIGHT)
    assert progress().rows[0][2] == "1"
    assert "Kept in this kernel only" in progress().caption or "Not written yet" in progress().caption
    forget()
    assert progress().rows == ()
    assert (tmp_path / "folder").is_dir()
    assert (tmp_path / "file").read_text() == "mine"


def test_forgetting_leaves_what_is_not_ours(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("a diary")
    forget()
    assert file.read_text() == "a diary"
    assert capsys.readouterr().out == f"{file} stays: it is damaged, or of another program\n"
    file.write_bytes(GOOD)
    forget()
    assert not file.exists()


def test_a_user_without_a_home_or_a_name_is_not_disturbed(tmp_path: Path) -> None:
    """As in containers that run with any number as their user."""
    script = """
import filelock, heapq, os # before this user can no longer read them
from pathlib import Path
from thplab.lessons import progress, progress_file
from thplab.lessons.kinds.question import Verdict
if not os.getuid():
    os.setuid(123456)
progress_file.note("05.caller", 0, "x", Verdict(True, "m"))
print(progress().rows[0][2], "this kernel only" in progress().caption, progress_file.progress_file())
progress_file.forget()
"""
    environment = {
        key: value for key, value in os.environ.items() if key not in ("HOME", "USER", ENVIRONMENT)
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env={"XDG_DATA_HOME": "", **environment}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("1 True None\n", "")
    assert list(tmp_path.iterdir()) == []
