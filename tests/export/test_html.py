"""What is written into a page is what was meant, whatever its letters are."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import thplab.export
from tests.sampling import check_drawn, draws, sample
from tests.stage.conftest import SMALL, small  # noqa: F401 # a fixture
from thplab.export import page, slides
from thplab.export.html import Document, Script, element, json_script, json_text, text, whole
from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario

#: What ends, opens or confuses a script, a comment, an attribute, a tag or a line.
HOSTILE = (
    "</", "</script>", "</SCRIPT x>", "<!--", "<!--<script>", "<script", "<script>", "-->", "--!>", "]]>",
    "<![CDATA[", "\u2028\u2029", "\0", "\ud800", "\udfff\ud800", "\"'`", "\"><img src=x onerror=alert(1)>",
    "&lt;&quot;&#60;&#x3c;&NotEqualTilde;", "\\u003c\\", "${1}", "</style>", "</title>", "</noscript>",
    "</textarea>", "<plaintext>", "<base href=//x>", "\r\n\t\v\f\b\x7f\x85", "\ufeff\ufffe", "{{x}}",
)  # fmt: skip
ALL = " ".join(HOSTILE)
LETTERS = st.text(
    st.one_of(st.sampled_from("<>&\"'/!-\\\0\u2028\u2029scriptSCRIPT \ud800"), st.characters(codec=None)),
    max_size=30,
)


class _Read(HTMLParser):
    """What a parser makes of a page: its tags, and the text in each kind of them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.inside: list[str] = []
        self.texts: dict[str, str] = {}
        self.attributes: dict[str, str | None] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.inside.append(tag)
        self.attributes |= {f"{tag} {name}": value for name, value in attrs}

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        within = self.inside[-1] if self.inside else ""
        self.texts[within] = self.texts.get(within, "") + data

    def handle_comment(self, data: str) -> None:
        self.tags.append("a comment")


@draws(200)
def test_text_is_text_to_the_letter(examples: int) -> None:
    @given(LETTERS, LETTERS)
    def holds(words: str, value: str) -> None:
        read = _Read(element("p", text(words), title=value))
        assert read.tags == ["p", "/p"]
        assert read.texts.get("p", "") == whole(words)
        assert read.attributes == {"p title": whole(value)}
        words.encode("utf-8", "surrogatepass")
        text(words).encode("utf-8")

    check_drawn(holds, examples)


@draws(40)
def test_data_in_a_script_is_that_data_and_no_letter_of_it_is_markup(examples: int) -> None:
    @given(
        st.recursive(
            LETTERS | st.integers() | st.none(),
            lambda x: st.lists(x, max_size=3) | st.dictionaries(LETTERS, x, max_size=3),
            max_leaves=5,
        )
    )
    def holds(data: Any) -> None:
        html = json_script("x", data)
        inside = html.partition(">")[2].rpartition("</script>")[0]
        assert not re.search("[<>&\u2028\u2029]", inside)
        assert json.loads(inside) == data
        inside.encode("ascii")

    check_drawn(holds, examples)


def test_a_number_that_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_text({"step": float("nan")})


def test_a_policy_names_what_runs_and_nothing_else() -> None:
    policy = Document(
        "x", "y {}", text(""), [Script("a()"), Script("b('</script>')", "module")], ["c()"]
    ).policy
    directives = dict(each.partition(" ")[::2] for each in policy.split("; "))
    assert directives.pop("script-src").count("'sha256-") == 3
    assert re.fullmatch("'sha256-[^']+'", directives.pop("style-src"))
    assert directives == dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'")


STOP = {"step": 3, "title": "t", "ask": "a?", "choices": ["b", "c"], "answer": "b", "why": "w", "notes": "n"}

Make = Callable[[Recording, str], str]


def _option(name: str) -> Make:
    return lambda recording, words: page(recording, **{name: words})


def _of_stop(name: str) -> Make:
    return lambda recording, words: page(recording, stops=[{**STOP, name: words}])


#: Place of a text -> the page with such a text there.
PLACES: dict[str, Make] = {
    **{name: _option(name) for name in ("link", "granularity", "theme")},
    "views": lambda recording, words: page(recording, views=[words]),
    **{f"stop's {name}": _of_stop(name) for name in ("title", "ask", "answer", "why", "notes", "step")},
    "choice": lambda recording, words: page(recording, stops=[{**STOP, "choices": [words, "c"]}]),
    "key": lambda recording, words: page(recording, stops=[{**STOP, words: words}]),
    "title": lambda recording, words: page(titled(recording, words)),
    "deck's title": lambda recording, words: slides(titled(recording, words)),
}


def titled(recording: Recording, words: str) -> Recording:
    return Recording({**recording.header, "title": words, "story": words}, recording.sections)


@pytest.mark.parametrize("count", [1, pytest.param(len(HOSTILE), marks=pytest.mark.long)])
@pytest.mark.parametrize("place", PLACES)
def test_a_text_anywhere_leaves_the_page_whole(
    place: str,
    count: int,
    small: Recording,  # noqa: F811
) -> None:
    plain = _Read(PLACES[place](small, "words")).tags
    for words in ("<!--<script>", *sample(HOSTILE, count), ALL):
        made = PLACES[place](small, words)
        made.encode("utf-8")
        read = _Read(made)
        assert read.tags == plain, words


def test_the_name_of_a_scenario_is_in_the_title_to_the_letter() -> None:
    name = "</title><b>&amp;"
    recording = record_scenario(Scenario.from_data({**SMALL, "name": name, "story": "<!--"}))
    title = re.search("<title>(.*)</title>", page(recording))
    assert title
    assert unescape(title[1]) == f"{name}, Linux {recording.header['kernel']}"


#: These write tags: the one from text, the other before the sanitiser reads them.
_WRITERS = {"html.py", "markup.py"}


def by_hand(source: str) -> set[str]:
    """What in a module puts tags, or data, together by hand."""
    tree = ast.parse(source)
    imported = {
        f"{getattr(node, 'module', '')}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    found = {"html.escape"} & imported
    found |= {"json"} if ".json" in imported and any("export.html." in name for name in imported) else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Html":
            found.add("Html")
        if isinstance(node, ast.JoinedStr | ast.BinOp) and re.search(r"<[a-zA-Z/!]", ast.unparse(node)):
            found.add("tag")
    return found


def test_nothing_else_writes_html_by_hand() -> None:
    files = [path for path in Path(thplab.export.__file__).parent.glob("*.py") if path.name not in _WRITERS]
    assert len(files) > 10
    assert {path.name: found for path in files if (found := by_hand(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("from html import escape", "html.escape"),
        ("f'<p>{x}</p>'", "tag"), ("'<p>' + x", "tag"), ("'<p>%s' % x", "tag"),
        ("Html(x)", "Html"), ("import json\nfrom thplab.export.html import Html", "json"),
    ],
)  # fmt: skip
def test_what_is_written_by_hand_is_found(source: str, what: str) -> None:
    assert by_hand(source) == {what}
