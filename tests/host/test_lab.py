"""Serving the course: the command, the port, and what is said when it can't be."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from thplab.host import lab as module
from thplab.host.lab import free_port, lab, lab_command, lab_environment, repository

FIRST = "00-start-here.ipynb"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "notebooks").mkdir()
    for name in (FIRST, "05-who-called-prep-transhuge-page.ipynb"):
        (tmp_path / "notebooks" / name).write_text("{}")
    monkeypatch.setattr(module, "course_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []
    monkeypatch.setattr(module, "_serve", lambda command: commands.append(command) or 0)
    return commands


def taken_port() -> socket.socket:
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    probe.listen()
    return probe


def test_a_taken_port_is_passed_over_and_said(
    course: Path, started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with taken_port() as probe:
        port = probe.getsockname()[1]
        assert free_port(port) > port
        assert lab(FIRST, port, browser=False) == 0
    assert f"Port {port} is taken" in capsys.readouterr().out
    assert f"--port={port}" not in started[0]


def test_the_last_port_is_the_end_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 65535))
        probe.listen()
        with pytest.raises(OSError, match="65535 are all taken; name another with --port"):
            free_port(65535)


def test_root_is_allowed_and_a_user_needs_not_be(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in lab_command(course, FIRST, 8888, browser=False)
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000, raising=False)
    assert "--allow-root" not in lab_command(course, FIRST, 8888, browser=False)


def test_without_a_display_no_browser_is_opened(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "--no-browser" in lab_command(course, FIRST, 8888, browser=True)
    monkeypatch.setenv("DISPLAY", ":0")
    assert "--no-browser" not in lab_command(course, FIRST, 8888, browser=True)
    assert "--no-browser" in lab_command(course, FIRST, 8888, browser=False)


def test_the_first_thing_on_the_screen_is_the_course(course: Path) -> None:
    """JupyterLab reads overrides.json of this folder, and asks nothing about news."""
    command = lab_command(course, FIRST, 8888, browser=False)
    (option,) = (word for word in command if word.startswith("--LabApp.app_settings_dir="))
    overrides = json.loads((Path(option.partition("=")[2]) / "overrides.json").read_text("utf-8"))
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_terminals_of_the_lab_find_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr(module.sys, "executable", "/course/.venv/bin/python")
    assert lab_environment()["PATH"].split(module.os.pathsep) == ["/course/.venv/bin", "/usr/bin"]


def test_the_notebook_is_what_opens(course: Path, started: list[list[str]]) -> None:
    assert lab("05-who-called-prep-transhuge-page.ipynb", 8888, browser=False) == 0
    address = "--LabApp.default_url=/lab/tree/notebooks/05-who-called-prep-transhuge-page.ipynb"
    assert address in started[0]
    assert f"--ServerApp.root_dir={course}" in started[0]


def test_an_unknown_notebook_is_status_2_with_a_near_match(
    course: Path, started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab("00-start-her.ipynb", 8888, browser=False) == 2
    assert capsys.readouterr().err == (f"thplab: no notebook '00-start-her.ipynb' (did you mean {FIRST}?)\n")
    assert lab("", 8888, browser=False) == 2
    assert "there are 00-start-here.ipynb, 05-who" in capsys.readouterr().err
    assert started == []


def test_no_notebooks_and_no_jupyterlab_are_said_in_one_line(
    course: Path,
    started: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert lab(FIRST, 8888, browser=False) == 1
    assert "pip install 'thplab[lab]'" in capsys.readouterr().err
    monkeypatch.setattr(module, "course_folder", lambda: None)
    assert lab(FIRST, 8888, browser=False) == 1
    assert f"git clone {repository()}," in capsys.readouterr().err
    assert repository().startswith("https://")
    assert started == []


_SERVER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("ends its kernels", flush=True), sys.exit(0)))
print("serves", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_server_and_lets_it_end_its_kernels(how: int, status: int) -> None:
    program = f"""
import sys
from thplab.cli_ends import run
from thplab.host.lab import _serve
sys.exit(run(lambda: _serve([sys.executable, "-c", {_SERVER!r}])))
"""
    command = [sys.executable, "-c", program]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "serves\n"
    child.send_signal(how)
    out, err = child.communicate(timeout=30)
    assert (out, err, child.returncode) == ("ends its kernels\n", "", status)


def test_a_server_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.5)
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    server = subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
    assert server.stdout
    server.stdout.readline()
    module._end(server)
    assert server.returncode == -signal.SIGKILL
    server.stdout.close()
