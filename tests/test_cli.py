"""The command line, in this process; once as a program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from thplab.cli import main

ROOT = Path(__file__).parent.parent
BACKTRACES = ROOT / "thplab/data/backtraces"


def gdb_frames(text: str) -> list[tuple[int, str, dict[str, str], str]]:
    """(number, name, arguments, place) of gdb's lines; ``name=value, name@entry=value`` gives the first."""
    frames = []
    for number, name, arguments, place in re.findall(
        r"^#(\d+) +(?:0x[0-9a-f]+ in )?(\S+) \((.*)\) at (\S+)$", text, re.MULTILINE
    ):
        pairs = (part.partition("=") for part in arguments.split(", ") if part)
        values: dict[str, str] = {}
        for key, _, value in pairs:
            values.setdefault(key.removesuffix("@entry"), value.rpartition("@entry=")[2])
        frames.append((int(number), name, values, place))
    return frames


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    assert main(arguments) == 0
    trace, _, backtrace = capsys.readouterr().out.partition("\n\n")
    return trace, backtrace


@pytest.mark.parametrize("kernel", ["6.1", "6.18"])
def test_trace_lines_come_in_the_kernels_order(kernel: str, capsys: pytest.CaptureFixture[str]) -> None:
    trace, nothing = run(capsys, "trace", "note", "--kernel", kernel)
    assert [line.split(": ")[1] for line in trace.splitlines()] == [
        "mm_collapse_huge_page_isolate",
        "mm_collapse_huge_page",
        "mm_khugepaged_scan_pmd",
    ]
    assert all("status=succeeded" in line for line in trace.splitlines())
    assert all("referenced=512" in line for line in trace.splitlines()[::2])
    assert ("writable=1" in trace) is (kernel == "6.1")
    assert nothing == ""


def test_the_backtrace_of_6_1_is_the_notes_own(capsys: pytest.CaptureFixture[str]) -> None:
    note = gdb_frames((BACKTRACES / "note.txt").read_text())[:8]
    _, text = run(capsys, "trace", "note", "--kernel", "6.1", "--backtrace")
    ours = gdb_frames(text)
    assert len(text.splitlines()) == len(ours) == 8
    assert [(number, name) for number, name, _, _ in ours] == [(number, name) for number, name, _, _ in note]
    compared = set()
    for (_, name, arguments, place), (_, _, theirs, _) in zip(ours, note, strict=True):
        for key in set(arguments) & set(theirs):
            if key in ("address", "referenced", "unmapped", "pages", "gfp", "page"):
                assert arguments[key] == theirs[key], (name, key)
                compared.add((name, key))
        file, _, line = place.rpartition(":")
        source = (ROOT / file).read_text().splitlines()
        assert 0 < int(line) <= len(source)
    assert compared == {
        ("prep_transhuge_page", "page"),
        ("hpage_collapse_alloc_page", "gfp"),
        ("collapse_huge_page", "address"),
        ("collapse_huge_page", "referenced"),
        ("collapse_huge_page", "unmapped"),
        ("hpage_collapse_scan_pmd", "address"),
        ("khugepaged_scan_mm_slot", "pages"),
    }


def test_the_numbers_of_the_note_stand_in_the_backtrace(capsys: pytest.CaptureFixture[str]) -> None:
    _, text = run(capsys, "trace", "note", "--kernel", "6.1", "--backtrace")
    assert text.startswith("#0  prep_transhuge_page (page=0xffffea000d998000) at ")
    for value in ("address=140576452247552", "referenced=512", "unmapped=0", "pages=4096", "gfp=1844426"):
        assert value in text


def test_the_backtrace_of_6_18_has_the_names_of_6_12(capsys: pytest.CaptureFixture[str]) -> None:
    real = gdb_frames((BACKTRACES / "6.12.txt").read_text())[2:8]
    _, text = run(capsys, "trace", "note", "--kernel", "6.18", "--backtrace")
    ours = gdb_frames(text)
    start = [name for _, name, _, _ in ours].index("alloc_charge_folio")
    assert [name for _, name, _, _ in ours[start:]] == [name for _, name, _, _ in real]
    for (_, name, arguments, _), (_, _, theirs, _) in zip(ours[start:], real, strict=True):
        for key in {"address", "referenced", "unmapped", "pages"} & set(arguments) & set(theirs):
            assert arguments[key] == theirs[key], (name, key)


def test_each_place_is_the_line_of_the_call_to_the_frame_inside(capsys: pytest.CaptureFixture[str]) -> None:
    """Our own source at the place says the model's name of the next frame inwards."""
    _, text = run(capsys, "trace", "note", "--backtrace")
    calls = ["def page_rmappable_folio", "page_rmappable_folio(", "__folio_alloc(", "alloc_charge_folio("]
    calls += ["collapse_huge_page(", "mmap_locked = ", "khugepaged_scan_mm_slot(", "khugepaged_do_scan("]
    places = [place.rpartition(":") for *_, place in gdb_frames(text)]
    lines = [(ROOT / file).read_text().splitlines()[int(line) - 1] for file, _, line in places]
    assert [call for call, line in zip(calls, lines, strict=True) if call not in line] == []


def test_all_prints_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    few, _ = run(capsys, "trace", "note")
    many, _ = run(capsys, "trace", "note", "--all")
    assert many.startswith(few.rstrip("\n"))
    assert len(many.splitlines()) > 3


def test_a_refused_window_has_no_backtrace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "S07.none_411", "--backtrace"]) == 1
    out, err = capsys.readouterr()
    assert "status=exceed_none_pte" in out
    assert err == "thplab: no huge page was allocated, so there is no backtrace of it\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tracee", "note"], ["no command 'tracee'", "(did you mean trace?)"]),
        (["zzzz"], ["no command 'zzzz'", "known: lab, trace"]),
        ([], ["COMMAND", "--help"]),
        (["trace"], ["scenario", "--help"]),
        (["trace", "not"], ["no scenario 'not'", "did you mean note"]),
        (["trace", "note", "--kernel", "6.19"], ["no kernel profile '6.19'", "6.18"]),
        (["trace", "note", "--kernel", ""], ["no kernel profile ''", "6.18"]),
        (["trace", "note", "--backtrase"], ["no option --backtrase", "did you mean --backtrace?"]),
        (["trace", "note", "more"], ["unexpected argument 'more'"]),
        (["lab", "--port", "x"], ["--port", "'x' is not a valid port", "1024 to 65535"]),
        (["lab", "--port", "70000"], ["'70000' is not a valid port", "1024 to 65535"]),
        (["doctor", "--hepl"], ["no option --hepl", "did you mean --help?"]),
    ],
)
def test_what_can_not_be_used_is_one_line_and_status_2(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: int | str | None = main(arguments)
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.startswith("thplab: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


@pytest.mark.parametrize("command", [[], ["lab"], ["trace"], ["doctor"]])
def test_help_has_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "example" in text
    assert "  thplab " in text.partition("example")[2]


def test_the_module_is_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "thplab", "trace", "note"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} -m thplab trace note --all --backtrace | head -c 1",
        shell=True, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr == ""
