"""How deep a text may nest and how long it may be, so that no cell keeps a browser or a sanitiser busy.

Parsers of HTML look up through all open tags at each tag, and those of Markdown ahead at each mark: what is
deep or long costs them the square of its size. Browsers stop at a depth of 512 anyway.
"""

from __future__ import annotations

import re
from collections import Counter

from thplab.export.html import closed

#: Tags within tags; those that are deeper are left out, and their text is kept.
DEEPEST = 100
#: Characters of a Markdown cell, without its pictures. Some ten pages: nobody shows more on a slide.
LONGEST_MARKDOWN = 30_000
#: Characters of an output's HTML, without its pictures: a table of some 20 000 cells.
LONGEST_HTML = 1_000_000

#: Beginnings of formulas in a cell, each of which has its end looked for in the rest of the text.
_MOST_FORMULAS = 250
_FORMULA = re.compile(r"\\\\[\[(]|\\begin\{")

_PACKED = re.compile(r"data:image/[a-z+.-]{1,20};base64,[A-Za-z0-9+/=%]{500,}")
_HELD = re.compile(r"data:held,([0-9]{1,6})(?![0-9])")
_RUN = re.compile(r"[ \t]{200,}|(?:> ?){50,}|(?:\* ?){200,}|(?:_ ?){200,}")
_MOST_IN_A_RUN = 50

#: A tag, with quotes as a browser has them. It ends before the next "<", so each try is short.
_TAG = re.compile(
    r"""<(/?)([a-z][a-z0-9-]*)((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""", re.IGNORECASE | re.ASCII
)
_OPENS = re.compile(r"<(?=[a-z])", re.IGNORECASE | re.ASCII)
_NEXT = re.compile("<")
_ASIDE = re.compile(r"<[!?][^<>]*>")

_VOIDS = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOIDS.split())
#: These hold no text to read. What is in the others that are raw is text already.
_RAWS = "script style title noembed noframes iframe object textarea xmp"
_RAW = frozenset(_RAWS.split())
#: A tag ends those that are open on top of it: items of the same list, cells of the same row.
_ENDS = {
    "li": {"li"}, "p": {"p"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}, "option": {"option"},
    "td": {"td", "th"}, "th": {"td", "th"}, "tr": {"td", "th", "tr"},
    "tbody": {"td", "th", "tr", "thead", "tbody"}, "tfoot": {"td", "th", "tr", "thead", "tbody"},
}  # fmt: skip


class Held:
    """Takes the pictures out of a text, which are long and plain, and puts them back."""

    def __init__(self) -> None:
        """None is taken out yet."""
        self._held: list[str] = []

    def out(self, words: str) -> str:
        """The text with a short word for each picture that it holds."""
        return _PACKED.sub(self._hold, words)

    def back(self, words: str) -> str:
        """The text with its pictures."""
        return _HELD.sub(self._held_before, words)

    def _hold(self, found: re.Match[str]) -> str:
        self._held.append(found[0])
        return f"data:held,{len(self._held) - 1}"

    def _held_before(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return self._held[number] if number < len(self._held) else found[0]


def long_runs_cut(words: str) -> str:
    """Without the rest of a run of spaces or marks that is longer than anybody means it."""
    return _RUN.sub(lambda found: found[0][:_MOST_IN_A_RUN], words)


def no_markdown(words: str) -> str:
    """Why a text is too much for Markdown; empty if it is not."""
    if len(words) > LONGEST_MARKDOWN:
        return f"A text of {len(words)} characters is left out here; at most {LONGEST_MARKDOWN} fit."
    if (formulas := len(_FORMULA.findall(words))) > _MOST_FORMULAS:
        return f"A text with {formulas} formulas is left out here; at most {_MOST_FORMULAS} fit."
    return ""


def no_html(words: str) -> str:
    """Why HTML is too long; empty if it is not."""
    if len(words) > LONGEST_HTML:
        return f"HTML of {len(words)} characters is left out here; at most {LONGEST_HTML} fit."
    return ""


def flattened(html: str) -> str:
    """The same if it cannot be deep; else each tag is closed in order, and those too deep are left out."""
    if len(_OPENS.findall(html)) <= DEEPEST:
        return html
    return _Flat(html).text()


class _Flat:
    """Writes HTML anew: each tag that it opens, it closes, so that whoever reads it nests no deeper."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._out: list[str] = []
        self._open: list[tuple[str, bool]] = []  # with whether it is written
        self._written = 0
        self._counts: Counter[str] = Counter()
        self._endless: set[str] = set()  # tags whose ends have been looked for, and not found

    def text(self) -> str:
        """All of it."""
        at, html = 0, self._html
        while (found := _NEXT.search(html, at)) is not None:
            self._out.append(html[at : found.start()])
            at = self._piece(found.start())
        self._out.append(html[at:])
        while self._open:
            self._close_last()
        return "".join(self._out)

    def _piece(self, at: int) -> int:
        """What begins with a "<"; where it ends."""
        html = self._html
        if html.startswith("<!--", at):
            return self._past("-->", at)
        if (aside := _ASIDE.match(html, at)) is not None:
            return aside.end()
        tag = _TAG.match(html, at)
        if tag is None:
            self._out.append("&lt;")
            return at + 1
        name = tag[2].lower()
        if tag[1]:
            self._end(name)
        elif name in _RAW:
            return self._past(closed(name)[:-1], tag.end())
        else:
            self._start(name, tag[0])
        return tag.end()

    def _past(self, ending: str, at: int) -> int:
        """Behind the ending, or here if there is none."""
        if ending not in self._endless:
            found = re.compile(re.escape(ending), re.IGNORECASE).search(self._html, at)
            if found is not None:
                return found.end()
            self._endless.add(ending)
        if self._html.startswith("<", at):
            self._out.append("&lt;")
            return at + 1
        return at

    def _start(self, name: str, tag: str) -> None:
        while self._open and self._open[-1][0] in _ENDS.get(name, ()):
            self._close_last()
        written = self._written < DEEPEST
        if name in _VOID or written:
            self._out.append(tag)
        if name not in _VOID:
            self._open.append((name, written))
            self._counts[name] += 1
            self._written += written

    def _end(self, name: str) -> None:
        if self._counts[name]:
            while self._close_last() != name:
                pass

    def _close_last(self) -> str:
        name, written = self._open.pop()
        self._counts[name] -= 1
        if written:
            self._written -= 1
            self._out.append(closed(name))
        return name
