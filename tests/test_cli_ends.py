"""How commands end: a signal, an output that is closed, full or read no longer, no folder, a defect."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from thplab.cli import main
from thplab.cli_ends import run
from thplab.mm.include.errors import KernelBug

THPLAB = f"{sys.executable} -m thplab"
LINE = '{"ops": [{"op": "mmap", "start": 0, "pages": 4}], "action": {"type": "khugepaged"}}\n'


def shell(command: str, folder: Path) -> tuple[int, str]:
    """Status and standard error of a command; of a pipe the status is that of its first part."""
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "s.jsonl").write_text(LINE * 3)
    return tmp_path


COMMANDS = ["predict s.jsonl", "trace note", "doctor", "export note --text", "--help", "lab --help"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_output_is_named(command: str, folder: Path) -> None:
    expected = (1, "thplab: standard output: No space left on device\n")
    assert shell(f"{THPLAB} {command} >/dev/full", folder) == expected


@pytest.mark.parametrize("command", ["trace note", "--help"])
def test_a_closed_output_is_named(command: str, folder: Path) -> None:
    assert shell(f"{THPLAB} {command} >&-", folder) == (1, "thplab: standard output is closed\n")


def test_a_closed_input_is_named(folder: Path) -> None:
    assert shell(f"{THPLAB} predict - <&-", folder) == (2, "thplab: standard input is closed\n")
    assert shell(f"{THPLAB} predict . ", folder) == (2, "thplab: .: Is a directory\n")


def test_closed_errors_do_not_reach_the_output(folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{THPLAB} trace nothing 2>&-"], cwd=folder, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("command", ["predict s.jsonl", "export note --text", "trace S06.600vmas --all"])
def test_a_reader_that_goes_away_ends_it_like_any_program(command: str, folder: Path) -> None:
    (folder / "s.jsonl").write_text(LINE * 30)
    status, err = shell(f"{THPLAB} {command} | head -c 1 >/dev/null", folder)
    assert (status in (0, 141), err) == (True, "")  # 0: it was done before


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("doctor", None, ""),
        ("export note", 2, "thplab: note.html: No such file or directory\n"),
        ("export note -o /dev/null --html", 0, ""),
        ("trace note", 0, ""),
        ("predict s.jsonl", 2, "thplab: s.jsonl: No such file or directory\n"),
    ],
)
def test_a_folder_that_is_gone_is_no_traceback(
    command: str, status: int | None, words: str, folder: Path
) -> None:
    gone = f"mkdir gone; cd gone; rmdir ../gone; {sys.executable} -m thplab {command}"
    found, err = shell(gone, folder)
    assert (found if status is not None else None, err) == (status, words)


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("how", "status"), SIGNALS)
def test_a_signal_ends_it_without_a_traceback(how: int, status: int, folder: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "thplab", "predict", "-"], cwd=folder,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdin
    assert child.stdout
    child.stdin.write(LINE * 2)  # an object ends where the next line begins
    child.stdin.flush()
    assert child.stdout.readline().startswith("{")
    time.sleep(0.1)
    child.send_signal(how)
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (status, "")


def test_a_signal_while_a_file_is_written_leaves_nothing_beside(folder: Path) -> None:
    (folder / "out.html").write_text("old")
    program = f"""
import os, sys
from thplab import files
from thplab.cli import main
def slow(number):
    print("writes", flush=True)
    import time; time.sleep(60)
files.os.fsync = slow
sys.exit(main(["export", "note", "-o", {str(folder / "out.html")!r}]))
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout
    assert child.stdout.readline() == b"writes\n"
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (143, b"")
    assert sorted(path.name for path in folder.iterdir()) == ["out.html", "s.jsonl"]
    assert (folder / "out.html").read_text() == "old"


def fails(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (KernelBug("x"), 1, "the model failed, which is a defect of thplab: x. Please report it."),
        (MemoryError(), 1, "there is not enough memory for this"),
        (PermissionError(13, "Permission denied", "some/file"), 2, "some/file: Permission denied"),
    ],
)
def test_what_a_command_meets_is_one_line(
    error: BaseException, status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(fails(error)) == status
    assert capsys.readouterr().err == f"thplab: {words}\n"


def test_a_broken_promise_of_our_own_is_a_traceback() -> None:
    with pytest.raises(AssertionError, match="ours"):
        run(fails(AssertionError("ours")))


def test_handlers_are_as_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    assert main(["trace", "note"]) == 0
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before
