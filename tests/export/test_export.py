"""thplab export: a page, a text, a picture; what can't be used is one line."""

from __future__ import annotations

import re
from base64 import b64decode
from gzip import decompress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.stage.conftest import SMALL
from thplab.cli import main
from thplab.export import named_moments, page, save_picture, tell
from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario
from thplab.stage import moment_text, window_text

MARKUP = "</script><script>window.hacked = 1</script>"

#: Bytes of the page of a run of some ten thousand moments.
MOST = 500_000


@pytest.fixture(scope="module")
def refused() -> Recording:
    return record_scenario("S07.none_411", "6.1")


def test_a_page_holds_the_recording_and_asks_nobody(refused: Recording) -> None:
    text = page(refused)
    held = re.search(r'id="program">([^<]*)<', text)
    assert held
    text += decompress(b64decode(held[1])).decode()
    assert "mountPair" in text
    assert "http:" not in text
    assert "https:" not in text
    assert not re.search(r"\b(src|href)=", text)
    held = re.search(r'id="recording">([^<]*)<', text)
    assert held
    assert b64decode(held[1]) == refused.to_bytes()


def test_the_page_of_the_note_is_small() -> None:
    assert len(page(record_scenario("note")).encode()) < MOST


def test_a_page_says_its_moment_without_javascript(refused: Recording) -> None:
    first_line = moment_text(refused, 7).splitlines()[0]
    assert first_line in page(refused, 7).partition("<noscript>")[2].partition("</noscript>")[0]


def test_text_of_a_scenario_ends_no_script() -> None:
    text = page(record_scenario(Scenario.from_data({**SMALL, "name": MARKUP, "story": MARKUP})))
    assert MARKUP not in text
    assert text.count("</script>") == 4


def test_moments_have_the_names_of_events_and_of_functions(refused: Recording) -> None:
    moments = named_moments(refused)
    for name in ("scan_pmd", "hpage_collapse_scan_pmd"):
        assert moments[name] == refused.find_call("scan_pmd")
    event = moments["mm_khugepaged_scan_pmd"]
    assert event == refused.find("event", 0)


def test_the_text_tells_each_trace_line_once(refused: Recording) -> None:
    told = list(tell(refused))
    for line in refused.header["trace"]:
        assert line["text"].strip() in told
    assert len([line for line in told if "status=exceed_none_pte" in line]) == 1
    windows = [line for line in told if line.startswith("Window: ")]
    assert windows[0] == "Window: 100x present, in use; 412x empty"
    assert all(one != other for one, other in pairwise(windows))
    stops = refused.sections["g_event"]
    assert len([line for line in told if line.startswith("Moment ")]) == len(stops)


def test_one_moment_is_told_complete(refused: Recording) -> None:
    assert "\n".join(tell(refused, step=300)) == moment_text(refused, 300)


@pytest.mark.parametrize(("form", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_a_picture_is_the_same_each_time(form: str, magic: bytes, tmp_path: Path) -> None:
    small = record_scenario(Scenario.from_data(SMALL))
    files = [tmp_path / f"{number}.{form}" for number in range(2)]
    for file in files:
        save_picture(small, 100, file, form)
    first, second = (file.read_bytes() for file in files)
    assert first.startswith(magic)
    assert first == second


def test_a_picture_draws_each_entry_with_its_glyph(refused: Recording) -> None:
    from thplab.export.picture import draw

    drawn = [text.get_text() for text in draw(refused, 300).axes[0].texts]
    assert window_text(refused, 300) == "100x present, in use; 412x empty"
    assert drawn[:512] == ["■"] * 100 + ["."] * 412
    assert drawn[512:] == [str(first) for first in range(0, 512, 32)]


def test_the_command_writes_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", "S07.none_411"]) == 0
    assert main(["export", "S07.none_411", "--svg", "--at", "mm_khugepaged_scan_pmd", "-o", "x.svg"]) == 0
    assert main(["export", "S07.none_411", "--text", "-o", "x.txt"]) == 0
    assert main(["export", "S07.none_411", "-o", "y.svg"]) == 0
    assert capsys.readouterr().out.splitlines() == ["S07.none_411.html", "x.svg", "x.txt", "y.svg"]
    assert Path("y.svg").read_text("utf-8").startswith("<?xml")
    assert main(["export", "S07.none_411", "--text", "--kernel", "6.1"]) == 0
    assert capsys.readouterr().out.startswith("S07.none_411, Linux 6.1: 100 pages")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["not"], ["no scenario 'not'", "did you mean note"]),
        (["S07.none_411", "--kernel", "6.19"], ["no kernel profile '6.19'", "6.18"]),
        (["S07.none_411", "--png", "--step", "99999"], ["--step 99999", "moments 0 to"]),
        (["S07.none_411", "--png", "--step", "1", "--at", "x"], ["give one of them"]),
        (["S07.none_411", "--at", "scan_pdm"], ["'scan_pdm'", "did you mean scan_pmd?"]),
        (["S07.none_411", "--text", "--granularity", "lines"], ["'lines'", "did you mean line?"]),
        (["S07.none_411", "--png", "-o", "x.html"], ["x.html", "--png does not write .html", "--html"]),
        (["S07.none_411", "-o", "no/such/folder.html"], ["no/such/folder.html", "No such file"]),
    ],
)
def test_what_can_not_be_used_is_one_line(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    for word in words:
        assert word in err
