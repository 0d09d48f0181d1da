"""The file: it reads back as it was written, and whatever is not a recording is refused."""

from __future__ import annotations

import gzip
import json
from array import array
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recording.small import collapse
from thplab.recording import Recording, RecordingError
from thplab.recording.file import MAGIC, pack, unpack

SMALL = collapse(pages=7).to_bytes()
RAW = gzip.decompress(SMALL)
HEADER_END = 12 + int.from_bytes(RAW[8:12], "little")


def with_header(header: Any) -> bytes:
    """A file with another header before the same columns."""
    text = json.dumps(header).encode()
    head = MAGIC + len(text).to_bytes(4, "little") + text
    return gzip.compress(head + bytes(-len(head) % 8) + RAW[-(-HEADER_END // 8) * 8 :])


def header() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(RAW[12:HEADER_END])
    return data


def read_all(data: bytes) -> None:
    """Load, and read everything that a view reads."""
    recording = Recording.from_bytes(data)
    last = len(recording) - 1
    for number in {0, last // 3, last}:
        recording.moment(number)
        recording.sentence(number)
        recording.stack(number)
        recording.locals(number)
        recording.trace_lines(number)
        recording.state(number).bytes()


def test_columns_and_header_read_back() -> None:
    sections = {
        "a": array("B", [1, 2, 3]),
        "b": array("I", [0xFFFFFFFF]),
        "c": array("d", [0.5]),
        "e": array("H"),
    }
    read, columns = unpack(pack({"title": "häh"}, sections))
    assert read["title"] == "häh"
    assert columns == sections
    assert {name: column.typecode for name, column in columns.items()} == {
        "a": "B",
        "b": "I",
        "c": "d",
        "e": "H",
    }


def test_a_recording_reads_back_the_same(note: Recording, tmp_path: Path) -> None:
    note.save(tmp_path / "note.thplab")
    read = Recording.load(tmp_path / "note.thplab")
    assert read.sections == note.sections
    assert read.to_bytes() == note.to_bytes()
    assert read.header["story"] == note.header["story"]
    for number in (0, len(note) // 2, len(note) - 1):
        assert read.moment(number) == note.moment(number)
        assert read.stack(number) == note.stack(number)
        assert read.state(number).bytes() == note.state(number).bytes()


def test_a_file_that_can_not_be_read_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recording.load(tmp_path / "none")


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"\x1f\x8b", b"PK\x03\x04", *(gzip.compress(each, mtime=0) for each in (b"", b"{}", MAGIC))],
)
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(RecordingError):
        Recording.from_bytes(data)


def test_another_format_is_named() -> None:
    with pytest.raises(RecordingError, match="format 5; this version reads format 4"):
        Recording.from_bytes(with_header({**header(), "format": 5}))


@pytest.mark.parametrize("older", [1, 2, 3])
def test_a_file_of_an_older_version_says_how_to_make_it_anew(older: int) -> None:
    with pytest.raises(RecordingError, match=rf"format {older}: made by an older thplab.*record_scenario"):
        Recording.from_bytes(with_header({**header(), "format": older}))


@given(st.integers(0, len(SMALL) - 1))
def test_a_cut_off_file_is_refused(length: int) -> None:
    with pytest.raises(RecordingError):
        Recording.from_bytes(SMALL[:length])


@given(st.integers(0, len(SMALL) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_does_not_matter(position: int, bit: int) -> None:
    """gzip's check sum covers all that is packed; some bits of gzip's own say nothing."""
    damaged = bytearray(SMALL)
    damaged[position] ^= 1 << bit
    with suppress(RecordingError):
        assert Recording.from_bytes(bytes(damaged)).to_bytes() == SMALL


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(RAW) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_with_a_good_check_sum_is_refused_or_harmless(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(RAW)
    for position, value in changes:
        damaged[position] = value
    with suppress(RecordingError):
        read_all(gzip.compress(bytes(damaged), compresslevel=1))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, HEADER_END), st.integers(0, 255))
def test_a_damaged_header_is_refused_or_harmless(position: int, value: int) -> None:
    damaged = bytearray(RAW)
    damaged[position] = value
    with suppress(RecordingError):
        read_all(gzip.compress(bytes(damaged), compresslevel=1))


def paths(data: Any, depth: int = 3) -> list[tuple[Any, ...]]:
    """Ways to the values inside: keys of objects, and the first and last item of lists."""
    found: list[tuple[Any, ...]] = [()]
    if depth and isinstance(data, dict):
        steps: list[Any] = list(data)[:12] if depth < 3 else list(data)
    elif depth and isinstance(data, list) and data:
        steps = [0, len(data) - 1]
    else:
        return found
    return found + [(step, *rest) for step in steps for rest in paths(data[step], depth - 1)]


PLACES = [path for path in paths(header()) if path]
JUNK = st.sampled_from(
    [None, -1, 1 << 40, 0.5, "x", "", [], {}, [[]], [None], {"a": 1}, True, {"ref": 1 << 30}]
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES), JUNK)
def test_a_header_with_another_value_somewhere_is_refused_or_harmless(
    path: tuple[Any, ...], junk: Any
) -> None:
    data = header()
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = junk
    with suppress(RecordingError):
        read_all(with_header(data))


@pytest.mark.parametrize("name", sorted(header()))
def test_each_part_of_the_header_is_needed(name: str) -> None:
    data = header()
    del data[name]
    if name in ("focus", "intruders", "ledger", "steps"):  # may be absent: there is nothing to say
        read_all(with_header(data))
    else:
        with pytest.raises(RecordingError):
            Recording.from_bytes(with_header(data))


@pytest.mark.parametrize(
    "sections", [None, [], 3, {"m_kind": 3}, {"m_kind": {"type": [], "offset": 0, "length": 1}}]
)
def test_sections_that_are_no_table_are_refused(sections: Any) -> None:
    with pytest.raises(RecordingError):
        Recording.from_bytes(with_header({**header(), "sections": sections}))


@pytest.mark.parametrize(
    ("key", "value"), [("offset", -8), ("length", -1), ("length", 1 << 40), ("type", "u9"), ("offset", 1.5)]
)
def test_a_section_that_lies_nowhere_is_refused(key: str, value: Any) -> None:
    data = header()
    data["sections"]["m_kind"][key] = value
    with pytest.raises(RecordingError, match="m_kind"):
        Recording.from_bytes(with_header(data))


@pytest.mark.parametrize("name", ["m_kind", "m_time"])
def test_steps_where_there_are_none_are_refused(name: str) -> None:
    data = header()
    data["sections"][name]["steps"] = True
    with pytest.raises(RecordingError, match=name):
        Recording.from_bytes(with_header(data))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("m_frame", 1 << 31), ("m_task", 200), ("t_moment", 1 << 30), ("m_kind", 9), ("f_function", 60000),
        ("f_parent", 1 << 30), ("f_labels", 1 << 30), ("c_cell", 1 << 31), ("c_kind", 7), ("cell_kind", 7),
        ("m_changes_end", 1 << 31), ("m_trace_end", 1 << 31), ("g_function", 1 << 31),
        ("t_template", 1 << 15), ("t_values_end", 1 << 31), ("v_kind", 7),
        ("m_window", 1 << 30), ("m_entry", 1 << 15), ("m_scene", 7), ("s_what", 9),
        ("s_who", 1 << 15), ("s_lock", 1 << 30), ("s_end", 1 << 31), ("s_outer", 1 << 31),
    ],
)  # fmt: skip
def test_a_number_that_points_nowhere_is_refused(name: str, value: int) -> None:
    read, sections = unpack(SMALL)
    sections[name][len(sections[name]) // 2] = value
    with pytest.raises(RecordingError, match="damaged"):
        Recording.from_bytes(pack(read, sections))


def test_a_word_of_a_sentence_that_is_not_there_is_refused() -> None:
    read, sections = unpack(SMALL)
    word = sections["v_kind"].index(1)
    sections["v_value"][word] = len(read["texts"])
    with pytest.raises(RecordingError, match="damaged: v_value"):
        Recording.from_bytes(pack(read, sections))


def test_a_sentence_without_a_value_that_its_text_names_is_refused() -> None:
    read, sections = unpack(SMALL)
    template = sections["t_template"].index(
        next(n for n, each in enumerate(read["templates"]) if each["names"])
    )
    names = read["templates"][sections["t_template"][template]]["names"]
    first = sections["t_values_end"][template] - len(names)
    for value in range(first, first + len(names)):
        sections["v_kind"][value] = 255
    with pytest.raises(RecordingError, match="damaged: a sentence without a value"):
        Recording.from_bytes(pack(read, sections))


def test_a_template_whose_text_has_a_hole_without_a_name_is_refused() -> None:
    data = header()
    data["templates"][0]["text"] = "{nobody_knows} naps."
    with pytest.raises(RecordingError, match="names of a template"):
        Recording.from_bytes(with_header(data))
