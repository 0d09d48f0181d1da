"""Files of scenarios: lines, pretty-printed, several, broken; what the three commands make of them."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from thplab import cli
from thplab.scenario import ScenarioError, files
from thplab.scenario.files import find_scenario, read_entries
from thplab.scenario.predict import predict_lines

MINE: dict[str, Any] = {
    "name": "mine",
    "ops": [
        {"op": "mmap", "start": 0, "pages": 512},
        {"op": "write"},
        {"op": "advise", "advice": "hugepage"},
    ],
    "action": {"type": "khugepaged"},
}
LINE, PRETTY = json.dumps(MINE), json.dumps({"scenario": MINE}, indent=2)
LONG = len(PRETTY.splitlines())


def found(text: str) -> list[tuple[int, bool]]:
    """Of each object: the line on which it begins, and whether it can be read."""
    entries = []
    for entry in read_entries(text.encode().splitlines(keepends=True)):
        try:
            entry.read()
        except ScenarioError:
            entries.append((entry.line, False))
        else:
            entries.append((entry.line, True))
    return entries


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LINE, [(1, True)]),
        (f"{LINE}\n{LINE}\n", [(1, True), (2, True)]),
        (f"\n\n{LINE}\n \n{LINE}", [(3, True), (5, True)]),
        (f"\ufeff{LINE}\n", [(1, True)]),
        (PRETTY, [(1, True)]),
        (f"{PRETTY}\n{PRETTY}\n\n{LINE}\n", [(1, True), (LONG + 1, True), (2 * LONG + 2, True)]),
        ('{"ops": [\n{"op": "kid", "ops": []}\n],\n"action": {}}', [(1, True)]),
        (f"{LINE}\nrubbish\n{LINE}", [(1, True), (2, False), (3, True)]),
        (f"{LINE[:60]}\n{LINE}", [(1, False), (2, True)]),
        (PRETTY[:-3], [(1, False)]),
        ('{"name": "}}}{"}\n{"name": "{"}', [(1, True), (2, True)]),
        ("", []),
    ],
)  # fmt: skip
def test_objects_are_found_whatever_the_lines(text: str, expected: list[tuple[int, bool]]) -> None:
    assert found(text) == expected


def test_lines_are_answered_as_they_arrive() -> None:
    seen = []
    for number, _ in enumerate(read_entries(seen.append(line) or line for line in [b"{}\n"] * 3), 1):
        assert len(seen) == number


@pytest.mark.parametrize("text", [LINE, PRETTY])
def test_each_command_takes_a_file(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text)
    assert cli.main(["predict", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["after"]["a"]["huge"] == [True]
    assert cli.main(["trace", str(file)]) == 0
    assert "status=succeeded" in capsys.readouterr().out
    assert cli.main(["export", str(file), "--text", "-o", str(tmp_path / "told.txt")]) == 0
    assert "khugepaged begins to read window 0" in (tmp_path / "told.txt").read_text()


def test_a_page_is_named_after_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.jsonl").write_text(f"{LINE}\n{LINE}\n")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "two.jsonl#2", "--perfetto"]) == 0
    assert (tmp_path / "two-2.perfetto.json").exists()


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("mine.jsonl#2", ["mine.jsonl, line 3", "ops[0].prot", "'rx'", "rw | r | none"]),
        ("mine.jsonl#3", ["mine.jsonl, line 4", "not JSON", "line 4, column 1"]),
        ("mine.jsonl", ["3 scenarios", "mine.jsonl#1 to mine.jsonl#3"]),
        ("mine.jsonl#4", ["3 scenarios"]),
        ("none.json", ["none.json: No such file"]),
        ("notes", ["no scenario 'notes'", "did you mean note"]),
    ],
)
def test_an_error_names_file_line_and_key(
    which: str,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = {**MINE, "ops": [{"op": "mmap", "start": 0, "pages": 512, "prot": "rx"}]}
    (tmp_path / "mine.jsonl").write_text(f"{LINE}\n\n{json.dumps(wrong)}\nrubbish\n")
    monkeypatch.chdir(tmp_path)
    for command in ("trace", "export"):
        assert cli.main([command, which]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert [word for word in words if word not in said] == []


def test_predict_names_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('\n{"ops": [{"op": "mmap"}],\n "action": {"type": "none"}}\n')
    assert cli.main(["predict", str(file)]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["error"] == f"{file}, line 2: ops[0]: the key 'start' is missing"


def test_too_little_memory_is_an_error_of_the_scenario() -> None:
    from thplab.scenario.predict import predict

    with pytest.raises(ScenarioError, match=r"machine\.memory_pages: 1 .* allowed: 1024"):
        predict({**MINE, "machine": {"memory_pages": 1}})
    with pytest.raises(ScenarioError, match=r"max_ptes_none: EINVAL.* 0 to 31"):
        predict({**MINE, "machine": {"entries": 32}, "settings": {"max_ptes_none": 511}})


def test_a_name_is_a_name_even_if_there_is_such_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "note").write_text(LINE)
    monkeypatch.chdir(tmp_path)
    assert find_scenario("note").name == "note"


def _told(text: bytes) -> list[dict[str, Any]]:
    return list(predict_lines(io.BytesIO(text), file="f"))


GOOD = b'{"name": "good", "ops": [{"op": "mmap", "start": 0, "pages": 4}], "action": {"type": "none"}}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"name": "\xff"}', "not UTF-8: byte 0xff (line 1, column 11)"),
        (b'{"name":\n "caf\xe9"}', "not UTF-8: byte 0xe9 (line 2, column 6)"),
        (b"\xfe\xff", "not UTF-8: byte 0xfe (line 1, column 1)"),
        (GOOD.replace(b"good", b"\xed\xa0\x80"), "not UTF-8: byte 0xed"),
        (GOOD.replace(b'"ops"', b'"name": "other", "ops"'), "the key 'name' is there twice"),
        (GOOD.replace(b'"pages": 4', b'"pages": 4, "pages": 4'), "the key 'pages' is there twice"),
        (GOOD.replace(b'"name"', b'"\\u006eame": "", "name"'), "the key 'name' is there twice"),
        (GOOD.replace(b"good", b"\\ud800"), "has \\ud800, half of a character"),
        (GOOD.replace(b"good", b"\\udc00\\ud800"), "half of a character"),
        (GOOD.replace(b'"pages"', b'"\\udfff": 1, "pages"'), "half of a character"),
        (b'{"a": [[["\\ud900"]]]}', "half of a character"),
    ],
)
def test_what_readers_take_differently_is_refused(text: bytes, words: str) -> None:
    bad, good = _told(text + b"\n" + GOOD)
    assert bad["error"].startswith("f, line 1: ")
    assert words in bad["error"]
    assert json.dumps(bad).isascii()
    assert good["name"] == "good"
    assert "error" not in good


@pytest.mark.parametrize("name", ["\\ud83d\\ude00", "\\u00e9", "\U0001f600", "{", '\\"}{', "\\\\"])
def test_whole_characters_and_braces_in_texts_are_texts(name: str) -> None:
    text = GOOD.replace(b"good", name.encode()).replace(b", ", b",\n")
    (answer,) = _told(text)
    assert answer["name"] == json.loads(f'"{name}"')


@pytest.mark.parametrize("piece", ['{"a":\n', "[\n", "1,\n", '{"a": "}"\n', '"\n', "{}\n{\n"])
def test_many_lines_are_read_in_one_go(piece: str) -> None:
    """Twice the lines take twice the work, not four times: counted in characters that are parsed."""
    assert _parsed(piece * 400) <= 2.2 * _parsed(piece * 200)


def _parsed(text: str) -> int:
    seen, plain = [], json.loads
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json, "loads", lambda text, **more: seen.append(len(text)) or plain(text, **more))
        for entry in read_entries(io.BytesIO(text.encode())):
            with suppress(ScenarioError):
                entry.read()
    return sum(seen)


def test_an_object_that_is_too_long_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST", 1000)
    entries = list(read_entries(io.BytesIO(b'{"a":\n' + b"1,\n" * 5000 + b"}\n" + GOOD)))
    assert len(entries) == 2
    assert len(entries[0].text) < 1100
    with pytest.raises(ScenarioError, match="longer than"):
        entries[0].read()
    assert entries[1].text == GOOD.decode()
