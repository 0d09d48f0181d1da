"""Files are whole or not there: with a full disk, a signal, a crash, two writers, and folders that refuse."""

from __future__ import annotations

import ast
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recording.small import collapse
from tests.sampling import SEED, check_drawn, draws, some
from thplab import files
from thplab.cli import main
from thplab.export import notebook_deck, save_picture
from thplab.files import write_file
from thplab.sweeps.fairness import FairnessRow
from thplab.sweeps.rows import Rows

ROOT = Path(__file__).parent.parent
OLD = b"the old file\n"


@contextmanager
def room_for(length: int) -> Iterator[None]:
    """No file may have more bytes than that: the error of a full disk, after so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@draws(40)
def test_a_full_disk_leaves_the_old_file_and_nothing_beside(examples: int) -> None:
    @given(st.integers(1, 300_000), st.floats(0, 1, exclude_max=True), st.booleans())
    def holds(length: int, part: float, there: bool) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "out.html")
            if there:
                path.write_bytes(OLD)
            with pytest.raises(OSError, match=r"out\.html"), room_for(int(length * part)):
                write_file(path, b"x" * length)
            assert names(path.parent) == ["out.html"] * there
            assert not there or path.read_bytes() == OLD

    check_drawn(holds, examples)


class Interrupted(BaseException):
    """Like KeyboardInterrupt, at a place of our choice."""


@pytest.mark.parametrize("step", ["open", "write", "fsync", "close", "replace"])
@pytest.mark.parametrize("problem", [OSError(5, "Input/output error"), KeyboardInterrupt(), MemoryError()])
def test_whatever_goes_wrong_at_any_step_leaves_the_old_file(
    step: str, problem: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    path.write_bytes(OLD)

    def fails(*_: Any) -> Any:
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr(Path if step == "replace" else files.os, step, fails)
        with pytest.raises(type(problem)):
            write_file(path, b"new")
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["out"]


_WRITER = """
import sys
from thplab.files import write_file
for number in range(10**6):
    write_file(sys.argv[1], bytes([97 + number % 20]) * 400_000)
    if not number:
        print("begun", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
@pytest.mark.parametrize("times", [6, pytest.param(50, marks=pytest.mark.long)])
def test_a_signal_at_any_moment_leaves_a_whole_file(how: int, times: int, tmp_path: Path) -> None:
    path, draw = tmp_path / "out", random.Random(os.environ[SEED])
    for _ in range(times):
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdout
        assert child.stdout.readline() == b"begun\n"
        time.sleep(draw.random() / 20)
        child.send_signal(how)
        child.communicate()
        data = path.read_bytes()
        assert len(data) == 400_000
        assert len(set(data)) == 1
    for left in tmp_path.glob(".*"):
        os.utime(left, (0, 0))  # as if it had been left yesterday
    write_file(path, "")
    assert names(tmp_path) == ["out"]


def test_two_writers_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    pair = [subprocess.Popen([sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE) for _ in "12"]
    for child in pair:
        assert child.stdout
        child.stdout.readline()
    for _ in range(200):
        data = path.read_bytes()
        assert (len(data), len(set(data))) == (400_000, 1)
    for child in pair:
        child.kill()
        child.communicate()


def test_links_modes_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(OLD)
    real.chmod(0o640)
    link.symlink_to(real)
    write_file(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    write_file("/dev/null", "nothing")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="/dev/full"):
        write_file("/dev/full", "too much")


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_file(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_name_of_any_length_that_a_folder_takes(tmp_path: Path) -> None:
    for name in ("a" * 255, "ä" * 127, "-", " ", ".hidden"):
        write_file(tmp_path / name, "x")
        assert (tmp_path / name).read_text() == "x"


@pytest.mark.parametrize("where", ["missing/out", "file/out", "folder", "a" * 300])
def test_a_place_that_takes_no_file_is_named_and_stays(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=where) as caught:
        write_file(tmp_path / where, "new")
    assert caught.value.filename == str(tmp_path / where)
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == OLD


def test_a_read_only_folder_keeps_the_old_file() -> None:
    """As a user whom modes bind."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "out")
        path.write_bytes(OLD)
        path.chmod(0o666)
        Path(name).chmod(0o555)
        child = os.fork()
        if not child:
            status = 1
            with suppress(BaseException):
                if not os.getuid():
                    os.setuid(65534)
                try:
                    write_file(path, "new")
                except PermissionError as error:
                    status = 0 if error.filename == str(path) else 2
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        Path(name).chmod(0o755)
        assert path.read_bytes() == OLD
        assert names(Path(name)) == ["out"]


def _picture(path: Path) -> None:
    save_picture(collapse(pages=7), 0, path, path.suffix[1:])


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.thplab": lambda path: collapse(pages=7).save(path),
    "a.csv": lambda path: Rows([FairnessRow(1, 2, 3, 4.0)] * 9).save_csv(path),
    "a.svg": _picture,
    "a.png": _picture,
    "a.pdf": _picture,
    **{
        f"a.{form}": lambda path, option=option: main(["export", "note", option, "-o", str(path)])
        for form, option in (
            ("html", "--html"), ("slides.html", "--slides"), ("txt", "--text"), ("json", "--perfetto"),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", some(list(WRITERS), 4))
def test_each_writer_leaves_the_old_file_when_the_disk_is_full(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(OLD)
    failed: object = None
    with room_for(20):
        try:
            failed = WRITERS[name](path) == 2
        except OSError as error:
            failed = error.filename == str(path)
    assert failed
    assert path.read_bytes() == OLD
    assert names(tmp_path) == [name]
    err = capsys.readouterr().err
    assert not err or (f"{path}: File too large" in err and err.count("\n") == 1)


_HEAD = '<meta name="thplab-source" content="{}">'


@given(cut=st.integers(1, 400))
def test_a_deck_that_was_cut_off_is_not_up_to_date(cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notebook, file = Path(folder, "n.ipynb"), Path(folder, "n.html")
        notebook.write_text("{}")
        text = _HEAD.format(notebook_deck._made_from(notebook)) + "x" * 300 + "</body>\n</html>\n"
        file.write_text(text)
        assert notebook_deck.is_current(file, notebook)
        file.write_text(text[:-cut])
        assert not notebook_deck.is_current(file, notebook)


def _writes(call: ast.Call) -> bool:
    """Does it write to a file by itself?"""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("write_text", "write_bytes", "savefig", "screenshot"):
        to_file = name != "savefig" or not isinstance(call.args[0], ast.Name)
        return to_file if name != "screenshot" else any(key.arg == "path" for key in call.keywords)
    if name not in ("open", "fdopen", "NamedTemporaryFile") or "os.devnull" in ast.unparse(call):
        return False
    words = [*call.args[:2], *(key.value for key in call.keywords if key.arg == "mode")]
    modes = [each.value for each in words if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return any(set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)


#: Puts jobs into a folder of its own, which goes with the process that they are for.
PASSING = "thplab/lessons/trial/process.py:"


@pytest.mark.parametrize("room", ["thplab", "tools"])
def test_nobody_else_writes_files(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and _writes(node)
    ]
    assert [place for place in found if not place.startswith(("thplab/files.py:", PASSING))] == []
    assert room == "tools" or any(place.startswith("thplab/files.py:") for place in found)
