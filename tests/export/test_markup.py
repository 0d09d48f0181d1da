"""What a notebook's text becomes in a page that asks nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from thplab.export.markup import clean, markdown


def test_a_link_is_its_text_and_an_address_to_read() -> None:
    assert clean('see <a href="https://example.org/x?a=1&amp;b">there</a>.') == (
        'see <span class="address" title="https://example.org/x?a=1&amp;b">there</span>.'
    )
    assert clean('<a href="07-next.ipynb">next</a>') == '<span class="address">next</span>'


@pytest.mark.parametrize(
    "html",
    [
        "<script>window.hacked = 1</script>", "<SCRIPT src=//x.example/y.js></SCRIPT>",
        '<iframe src="https://example.org"></iframe>', '<link rel="stylesheet" href="https://example.org/x.css">',
        "<style>@import 'https://example.org/x.css'</style>", '<object data="https://example.org"></object>',
    ],
)  # fmt: skip
def test_what_runs_or_asks_is_dropped(html: str) -> None:
    assert clean(f"<b>before</b>{html}after") == "<b>before</b>after"


def test_what_runs_or_asks_is_taken_from_tags() -> None:
    assert clean('<p onclick="alert(1)" class="x">a</p>') == '<p class="x">a</p>'
    assert clean('<video src="https://example.org/x" poster="//y">a</video>') == "<video>a</video>"


def test_a_picture_is_part_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(b"\x89PNG")
    assert markdown("![says](a%20b.png)", tmp_path).strip() == (
        '<p><img src="data:image/png;base64,iVBORw==" alt="says"></p>'
    )
    for address in ("missing.png", "https://example.org/x.png", "//example.org/x.png"):
        assert clean(f'<img src="{address}" alt="says">', tmp_path) == "<em>says</em>"


def test_markdown_has_no_link_to_itself(tmp_path: Path) -> None:
    assert markdown("# A *title*", tmp_path) == '<h1 id="A-title">A <em>title</em></h1>'
    assert "&lt;b&gt;" in markdown("`<b>`", tmp_path)
