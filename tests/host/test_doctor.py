"""The report on this computer, with folders that stand for other computers."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from thplab.host import doctor as module
from thplab.host.doctor import doctor, kernel_report, package_report


def make_sysfs(root: Path, **files: str) -> Path:
    folder = root / "sys/kernel/mm/transparent_hugepage"
    (folder / "khugepaged").mkdir(parents=True)
    (folder / "enabled").write_text("always [madvise] never\n")
    for name, value in files.items():
        (folder / "khugepaged" / name).write_text(value + "\n")
    return root


def test_a_computer_without_sysfs_is_told_so_in_one_line(tmp_path: Path) -> None:
    [(mark, line)] = kernel_report(tmp_path)
    assert mark == "-"
    assert "no transparent huge pages" in line


@pytest.mark.parametrize("system", ["Darwin", "Windows", ""])
def test_other_systems_do_not_crash(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    assert doctor(tmp_path) in (0, 1)
    assert system in capsys.readouterr().out


def test_knobs_that_are_there_are_shown_and_others_said_to_be_missing(tmp_path: Path) -> None:
    rows = kernel_report(make_sysfs(tmp_path, pages_to_scan="4096"))
    assert ("+", "khugepaged/pages_to_scan 4096") in rows
    assert ("-", "khugepaged/max_ptes_none: not there") in rows
    assert any("enabled always [madvise] never" in line for _, line in rows)


def test_what_a_reader_may_do_is_asked_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_sysfs(tmp_path)
    as_owner = {line: mark for mark, line in kernel_report(tmp_path)}
    assert as_owner["you can change the knobs"] == "+"
    monkeypatch.setattr(module.os, "access", lambda path, mode: False)  # as another user sees it
    as_user = {line: mark for mark, line in kernel_report(tmp_path)}
    assert as_user["the knobs can be read, not changed (root only)"] == "-"


def test_trace_events_that_can_be_read_are_named(tmp_path: Path) -> None:
    make_sysfs(tmp_path)
    assert any(mark == "-" and "trace events can't be read" in line for mark, line in kernel_report(tmp_path))
    tracing = tmp_path / "sys/kernel/tracing"
    tracing.mkdir()
    (tracing / "trace").write_text("")
    assert ("+", f"trace events can be read in {tracing}") in kernel_report(tmp_path)


def test_a_knob_that_is_not_text_is_no_crash(tmp_path: Path) -> None:
    make_sysfs(tmp_path)
    folder = tmp_path / "sys/kernel/mm/transparent_hugepage"
    (folder / "enabled").write_bytes(b"\xff\xfe")
    (folder / "khugepaged/full_scans").mkdir()
    assert ("-", "khugepaged/full_scans: not there") in kernel_report(tmp_path)


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_version", lambda name: None if name in ("jupyterlab", "pytest") else "1.0")
    rows = package_report()
    assert ("x", "jupyterlab is not installed: pip install 'thplab[lab]'") in rows
    assert ("-", "pytest is not installed: pip install 'thplab[test]'") in rows
    assert ("+", "numpy 1.0") in rows


def test_an_old_python_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "version_info", (3, 10, 0))
    mark, line = package_report()[0]
    assert mark == "x"
    assert "3.11 or newer" in line


def test_the_exit_status_says_whether_the_course_can_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_version", lambda name: "1.0")
    monkeypatch.setattr(module, "find_browser", lambda: None)
    assert doctor(tmp_path) == 0
    text = capsys.readouterr().out
    assert "The course can run." in text
    assert "no Chromium" in text
    monkeypatch.setattr(module, "_version", lambda name: None)
    assert doctor(tmp_path) == 1
    assert "can't run yet: ipywidgets is not installed" in capsys.readouterr().out
