"""What a notebook's text becomes in a page that asks nobody."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from pathlib import Path

import pytest

from thplab.export.html import data_address
from thplab.export.markup import clean, markdown
from thplab.export.pictures import Pictures

PNG = b"\x89PNG\r\n\x1a\n and so on"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
NOWHERE = Pictures()
UNCLOSED = ("script", "style", "title", "textarea", "iframe", "template", "plaintext", "svg", "math")


def test_a_link_to_the_web_opens_beside_the_deck_and_says_where_it_leads() -> None:
    assert clean('see <a href="https://example.org/x?a=1&amp;b">there</a>.', NOWHERE) == (
        'see <a href="https://example.org/x?a=1&amp;b" target="_blank" title="https://example.org/x?a=1&amp;b"'
        ' rel="noopener noreferrer">there</a>.'
    )


@pytest.mark.parametrize(
    "address",
    [
        "07-next.ipynb", "javascript:alert(1)", "JaVaScRiPt&colon;alert(1)", "java\nscript:alert(1)",
        "\x01javascript:1",
        "data:text/html,x", "file:///etc/passwd", "//example.org", "\\\\example.org", "vbscript:x",
        "blob:x", "about:blank",
        "view-source:x", "mailto:a@example.org", "?x", "",
    ],
)  # fmt: skip
def test_every_other_link_is_its_text(address: str) -> None:
    assert clean(f'<a href="{address}">next</a>', NOWHERE) == '<span class="address">next</span>'


def test_a_link_within_a_text_finds_its_heading_and_nothing_of_ours(tmp_path: Path) -> None:
    html = markdown("# A *title*\n\n[up](#A-title) <b id=recording-1>x</b>", NOWHERE)
    assert html.startswith('<h1 id="n-A-title">A <em>title</em></h1>')
    assert '<a href="#n-A-title" rel="noopener noreferrer">up</a>' in html
    assert 'id="n-recording-1"' in html


@pytest.mark.parametrize(
    "html",
    [
        "<script>window.hacked = 1</script>", "<SCRIPT src=//x.example/y.js></SCRIPT>",
        '<iframe src="https://example.org"></iframe>',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        "<style>@import 'https://example.org/x.css'</style>", '<object data="https://example.org"></object>',
        "<form action=x><input name=y></form>", "<meta http-equiv=refresh content='0;url=x'>",
        "<base href=x>",
        "<embed src=x>", "<template><b>x</b></template>", "<video src=x poster=y></video>", "<!-- x -->",
        "<?x y>", "</p",
        "<button></button>",
    ],
)  # fmt: skip
def test_what_runs_or_asks_is_dropped(html: str) -> None:
    assert clean(f"<b>before</b>{html}after".replace("</pafter", "after</p"), NOWHERE) == "<b>before</b>after"


@pytest.mark.parametrize("word", UNCLOSED)
def test_what_is_not_closed_hides_nothing(word: str) -> None:
    for html in (f"<{word}>the rest", f"<{word.upper()} x=y>the rest", f"<b></b></{word}><{word}>the rest"):
        assert "the rest" in re.sub("<[^>]*>", "", clean(html, NOWHERE)), html
    assert "the rest" in clean("<!-- the rest", NOWHERE)


def test_attributes_are_those_of_a_list() -> None:
    assert clean('<p onclick="alert(1)" class="x live k">a</p>', NOWHERE) == '<p class="x k">a</p>'
    assert clean('<p data-src="x" slot=y is=z tabindex=1 autofocus>a</p>', NOWHERE) == "<p>a</p>"
    rows = '<tbody><tr style="text-align:right"><td colspan="2">1</td></tr></tbody>'
    table = f'<table border="1" class="dataframe">{rows}</table>'
    assert clean(table, NOWHERE) == table


@pytest.mark.parametrize(
    "style",
    [
        "position:fixed", "background:url(//x.example)", "background-image:url(x)", "width:url(//x.example)",
        "width:expression(alert(1))", "color:\\75rl(//x.example)", "list-style:url(//x.example)",
        "margin-top:-900px",
        "color:var(--x)", "--x:url(y)", "behavior:url(x)", "-moz-binding:url(x)",
        "font-family:'a;position:fixed'", "display:none",
        "width:image-set('x' 1x)", "content:url(x)", "cursor:url(x),auto", "filter:url(x)", "mask:url(x)",
        "z-index:9", "transform:scale(9)",
        "width:calc(0px - 9px)", "color:red}*{color:blue", "@import 'x'", "opacity:0",
    ],
)  # fmt: skip
def test_styles_are_a_few_harmless_properties(style: str) -> None:
    assert clean(f'<p style="{style}">a</p>', NOWHERE) in ("<p>a</p>", '<p style="">a</p>')
    assert clean(f'<p style="color:red;{style};padding:2px 3px">a</p>', NOWHERE) in (
        '<p style="color:red;padding:2px 3px">a</p>',
        '<p style="color:red">a</p>',
    )


def test_what_is_put_together_by_what_is_dropped_stays_text() -> None:
    for dropped in (
        "<!-- -->",
        "<script></script>",
        "<?x>",
        "<!x>",
        "</form>",
        "<link>",
        "<style></style>",
        "<x>",
    ):
        assert "<img" not in clean(f"<{dropped}img src=x onerror=alert(1)>", NOWHERE)
        assert "<img" not in clean(f"<<b>{dropped}img src=x onerror=alert(1)>", NOWHERE)


def test_what_comes_out_is_read_as_it_was_written() -> None:
    for html in (
        "<a><table><a href=http://x>x",
        "<b><p>x</b>y",
        "<td>x",
        "<p>a<div>b</p>c<table><b>q",
        "</div></section>",
    ):
        once = clean(html, NOWHERE)
        assert clean(once, NOWHERE) == once


def test_no_letter_breaks_it() -> None:
    assert clean("a\0b\ud800c<scr\0ipt>", NOWHERE) == "a\ufffdb\ufffdc"
    assert "a\ufffdb" in markdown("a\ud800b", NOWHERE)


def test_a_drawing_is_a_picture_in_which_nothing_runs() -> None:
    html = clean(
        'a<svg aria-label="b &amp; c" onload="x()"><script>y()</script><text>t</text></svg>d', NOWHERE
    )
    assert re.fullmatch(r'a<img src="data:image/svg\+xml;base64,[\w+/=]+" alt="b &amp; c">d', html)
    assert clean("a<svg><p>b</svg>c", NOWHERE) == "a<span><p>bc</p></span>"
    assert clean("<math><mi>x</mi><mo>=</mo></math>", NOWHERE) == (
        "<span><span>x</span><span>=</span></span>"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With pictures, in it and beside it."""
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    for place in (home, home / "sub", tmp_path):
        (place / "a b.png").write_bytes(PNG)
    (home / "drawn.svg").write_bytes(SVG)
    (home / "text.png").write_text("a secret")
    (home / "bomb.svg").write_text(
        '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>'
    )
    (home / "page.svg").write_text('<html xmlns="http://www.w3.org/1999/xhtml"/>')
    (home / "leads out.png").symlink_to(tmp_path / "a b.png")
    (home / "out").symlink_to(tmp_path)
    (home / "circle.png").symlink_to(home / "circle.png")
    os.mkfifo(home / "pipe.png")
    return home


@pytest.mark.parametrize(
    "address", ["a%20b.png", "sub/a b.png", "sub/../a%20b.png", "./a%20b.png#x", "a%20b.png?v=1"]
)
def test_a_picture_of_the_folder_is_part_of_the_page(folder: Path, address: str) -> None:
    told: list[str] = []
    html = clean(f'<img src="{address}" alt="says">', Pictures(folder, None, told.append))
    assert html == f'<img src="{data_address("image/png", PNG)}" alt="says">'
    assert told == []


def test_so_is_a_drawing_and_what_a_text_or_a_cell_holds(folder: Path) -> None:
    packed = b64encode(PNG).decode()
    cell = {"attachments": {"x y.png": {"image/png": packed}, "bad.png": {"image/png": "<>"}, "odd": 5}}
    told: list[str] = []
    pictures = Pictures(folder, None, told.append).of(cell)
    assert 'src="data:image/svg+xml;base64,' in markdown("![says](drawn.svg)", pictures)
    for address in (
        "attachment:x%20y.png",
        f"data:image/jpeg;base64,{packed}",
        f"data:,{'%89PNG%0d%0a%1a%0a and so on'}",
    ):
        assert f'src="{data_address("image/png", PNG)}"' in clean(f'<img src="{address}">', pictures), address
    assert told == []
    for address in ("attachment:bad.png", "attachment:odd", "attachment:none", "attachment:"):
        assert markdown(f"![says]({address})", pictures).strip() == "<p><em>says</em></p>"
    assert len(told) == 4


@pytest.mark.parametrize(
    "address",
    [
        "missing.png", "https://example.org/x.png", "//example.org/x.png", "/etc/hostname", "../a%20b.png",
        "..%2fa%20b.png",
        "%2e%2e/a%20b.png", "sub/../../a%20b.png", "..\\a%20b.png", "%5c%5cexample.org%5cx.png",
        "file:///etc/hostname",
        "file:a%20b.png", "leads%20out.png", "out/a%20b.png", "circle.png", "pipe.png", "text.png",
        "bomb.svg", "page.svg", "sub", ".",
        "a%00b.png", "%252e%252e/a%20b.png", "x" * 5000, "javascript:alert(1)", "data:text/html,x",
        "data:image/png;base64,AAAA",
        "data:image/png;base64,<>", "blob:x", "C:/x.png", "", "http:a%20b.png", "attachment:x",
    ],
)  # fmt: skip
def test_every_other_picture_is_its_description_and_a_sentence(folder: Path, address: str) -> None:
    told: list[str] = []
    assert clean(
        f'<img src="{address}" alt="says &lt;b>" onerror="x">', Pictures(folder, None, told.append)
    ) == ("<em>says &lt;b&gt;</em>")
    (sentence,) = told
    assert "left out" in sentence
    assert "\n" not in sentence


def test_a_set_of_sources_is_no_way_round(folder: Path) -> None:
    html = clean(
        '<picture><source srcset="//x.example/y"><img srcset="//x.example/z" src="a b.png"></picture>',
        Pictures(folder),
    )
    assert "x.example" not in html
    assert "data:image/png" in html


def test_markdown_has_no_link_to_itself() -> None:
    assert markdown("# A *title*", NOWHERE) == '<h1 id="n-A-title">A <em>title</em></h1>'
    assert "&lt;b&gt;" in markdown("`<b>`", NOWHERE)
