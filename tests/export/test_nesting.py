"""No cell keeps the export busy: whatever is nested, repeated or long becomes HTML at once, or is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from html.parser import HTMLParser
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sampling import check_drawn
from thplab.export.html import Html
from thplab.export.markup import clean, markdown
from thplab.export.nesting import _VOID, DEEPEST, LONGEST_HTML, LONGEST_MARKDOWN, _Flat, flattened
from thplab.export.pictures import Pictures

NOWHERE = Pictures()
TIMES = 20_000
#: Processor seconds for one cell: some five times what the worst of them takes.
PATIENCE = 2.5

HTML = [
    "<div>", "<b>", "<a href=x>", "<table><tr><td>", "<table>", "<ul><li>", "<li>", "<p>", "<svg>",
    "<math>", "<svg", "<!--", "<script>", "<style>", "<title>", "<textarea>", "<template>", "<select>",
    "<svg><title>", "<svg></svg ", "<", "<a title='", '<a title="', "<img src=x>", "<a><b><i><u>",
    "<b><p></b>", "<div><!--</div>-->", "<div><b title='</div>'>", "<div><table></div>",
    "<div><svg></div>", "<b id=1><p>", "</b>", "</div>", "<![CDATA[", "<?", "<!", "&", "&amp", "<b>x</b>",
    "<noembed>", "<plaintext>", "<form>", "<button>", "<nobr>", "<h1>", "<option>", "<details>",
    "<ruby><rt>", "<x-y>",
]  # fmt: skip
MARKDOWN = [
    ">", "> ", "- ", "* ", "+ ", "1. ", "> - ", "*", "**", "_", "__", "*a ", "*a **b ", "**a", "_a ", "[",
    "![", "[a](", "[a](<", "](y)", "[a]", "[^a]", "`", "`` ", "$", "$x ", "$$x ", "\\\\(", "\\\\[",
    "\\\\)", "\\begin{a}", "\\end{a}", "~~a", "|a", "|a|\n|-|\n", "|a\n", "[a]: x\n", "```\n", "~~~\n",
    "<div>\n", "<div>\n\n", "<http://", "http://", "\\", " ", "\t", "\n", "a  \n", "a\n=\n", "# ", "#",
    "&amp;", "<!-- ", "<![CDATA[", "<?", "<!A ", "<a ", "<a b='", "- ```\n", "    a\n", "---\n", "<b>",
    "<script>", "a\n\n",
]  # fmt: skip


def told(make: Callable[[str, Pictures], Html], words: str) -> str:
    """What becomes of it, in a time that nobody notices."""
    begin = time.process_time()
    html = make(words, NOWHERE)
    assert time.process_time() - begin < PATIENCE, f"{words[:80]!r}, {len(words)} characters"
    return html


@pytest.mark.long  # timed
@pytest.mark.parametrize("unit", HTML)
def test_html_of_any_depth_is_ready_at_once(unit: str) -> None:
    told(clean, unit * TIMES)
    told(clean, unit * TIMES + "".join(f"</{name}>" for name in ("div", "b", "svg", "table")) * TIMES)


@pytest.mark.long  # timed
@pytest.mark.parametrize("unit", MARKDOWN)
def test_markdown_of_any_depth_is_ready_at_once(unit: str) -> None:
    markdown("", NOWHERE)  # what it imports is there
    told(markdown, unit * (LONGEST_MARKDOWN // len(unit)))
    told(markdown, unit * TIMES)


@pytest.mark.long  # timed
def test_so_is_whatever_is_mixed() -> None:
    markdown("", NOWHERE)
    units = [*HTML, *MARKDOWN, "x", "\n", "\n\n"]

    @given(st.lists(st.sampled_from(units), min_size=1, max_size=5), st.randoms(use_true_random=False))
    def holds(drawn: list[str], random: Random) -> None:
        unit = "".join(drawn)
        whole = unit * (LONGEST_MARKDOWN // len(unit))
        told(markdown, whole)
        told(clean, whole * random.choice([1, 4]))

    check_drawn(holds, 1000)


class Depth(HTMLParser):
    """How deep well-formed HTML is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.most = 0
        self.said = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)
            self.most = max(self.most, len(self.open))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def depth(html: str) -> Depth:
    read = Depth()
    read.feed(html)
    read.close()
    assert read.open == []
    return read


TREES = st.recursive(
    st.sampled_from(["x", "a &lt; b", "<br>", '<img src="a>b">', "é"]),
    lambda inner: st.tuples(
        st.sampled_from(["div", "b", "blockquote", 'a href="x"', "i", "span title='>'"]),
        st.lists(inner, max_size=3),
    ).map(lambda made: f"<{made[0]}>{''.join(made[1])}</{made[0].split()[0]}>"),
    max_leaves=30,
)


def test_what_is_well_formed_is_written_as_it_was() -> None:
    @given(st.lists(TREES, max_size=4))
    def holds(trees: list[str]) -> None:
        html = "".join(trees)
        assert _Flat(html).text() == html

    check_drawn(holds, 60)


@pytest.mark.parametrize("tag", ["div", "b", "blockquote", "table", "x-y", "a"])
def test_what_is_deeper_keeps_its_text_and_its_order(tag: str) -> None:
    times = 3 * DEEPEST
    words = "".join(f"<{tag}>{n} " for n in range(times)) + f"</{tag}>." * times
    read = depth(flattened(words))
    assert read.most == DEEPEST
    assert read.said == "".join(f"{n} " for n in range(times)) + "." * times


@pytest.mark.parametrize("unit", HTML)
def test_what_is_written_closes_its_tags_in_order(unit: str) -> None:
    html = flattened(unit * (DEEPEST + 50))
    if unit not in ("<", "</b>", "</div>", "&", "&amp", "<!", "<?", "<![CDATA["):
        assert depth(html).most <= DEEPEST + 1


def test_a_table_of_any_length_is_not_deep() -> None:
    rows = "".join(f"<tr><th>{n}<td><b>{n}</b><td>x" for n in range(2000))
    html = clean(f"<table>{rows}</table>", NOWHERE)
    assert html.count("<tr>") == html.count("</tr>") == 2000
    assert html.count("<b>") == 2000


def test_what_is_too_long_is_refused_in_words_and_pictures_do_not_count() -> None:
    assert "at most 30000 fit" in markdown("a" * (LONGEST_MARKDOWN + 1), NOWHERE)
    assert "at most 1000000 fit" in clean("a" * (LONGEST_HTML + 1), NOWHERE)
    assert "formulas" in markdown("\\\\(x\\\\) " * 300, NOWHERE)
    picture = "data:image/png;base64,iVBORw0KGgoA" + "A" * 4 * LONGEST_HTML
    for html in (
        markdown(f"![says]({picture})", NOWHERE),
        clean(f'<img src="{picture}" alt="says">', NOWHERE),
    ):
        assert picture[:60] in html
        assert "left out" not in html


def test_a_word_that_stands_for_a_picture_shows_none_that_is_not_there() -> None:
    assert clean('<a href="data:held,0">a</a>data:held,7', NOWHERE) == (
        '<span class="address">a</span>data:held,7'
    )
