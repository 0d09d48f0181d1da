"""What HTML of others may hold: everything that is not named here is taken out of it.

No tag here loads, runs or asks anything, except ``img`` and ``a``, whose addresses are checked one by one.
"""

from __future__ import annotations

import re

_TAGS = """
a abbr address b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em
figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span
strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr
"""
TAGS = frozenset(_TAGS.split())

#: These are taken out with what is in them: it is no text.
UNREADABLE = frozenset(
    ("script", "style", "template", "title", "noembed", "noframes", "iframe", "object", "annotation")
)

_FOREIGN = """
svg g text tspan textpath desc foreignobject math mrow mi mn mo ms mtext mfrac msqrt mroot mstyle merror
mpadded mphantom mfenced menclose msub msup msubsup munder mover munderover mmultiscripts mtable mtr
mlabeledtr mtd semantics annotation-xml mglyph malignmark
"""
#: Elements of drawings and formulas, of which the text is kept.
FOREIGN = tuple(_FOREIGN.split())

_CELL = {"colspan", "rowspan", "scope", "width", "height", "align", "valign"}
ATTRIBUTES = {
    "*": {"class", "id", "style", "title", "lang", "dir", "aria-label", "aria-current"},
    "a": {"href", "target"},
    "img": {"src", "alt", "width", "height"},
    "td": _CELL,
    "th": _CELL,
    "tr": {"align", "valign"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "table": {"border", "width", "align"},
    "ol": {"start", "reversed", "type"},
    "ul": {"type"},
    "li": {"value"},
    "details": {"open"},
    "font": {"color"},
    "p": {"align"},
    "div": {"align"},
}

_STYLES = """
background-color border border-bottom border-collapse border-color border-left border-right
border-spacing border-style border-top border-width caption-side color font-family font-size font-style
font-weight line-height list-style list-style-type margin margin-bottom margin-left margin-right
margin-top max-width overflow-wrap padding padding-bottom padding-left padding-right padding-top
text-align text-decoration vertical-align white-space width word-break
"""
#: Properties that change how a piece looks, and neither load, nor hide it, nor move it out of its place.
STYLES = frozenset(_STYLES.split())
#: Of their values: words, colours, and lengths that are not negative. Nothing has an address.
_VALUE = (
    r"""(?:[a-z]+(?:-[a-z]+)*|\#[0-9a-f]{3,8}|[0-9.]+(?:[a-z]+|%)?|(?:rgb|hsl)a?\([0-9.,%/ ]+\)|"[\w -]+")"""
)
_VALUES = re.compile(rf"{_VALUE}(?:[ ,/]+{_VALUE})*", re.IGNORECASE)

#: What code has around its words (Pygments: k, s1, mi, ...), and tables of pandas.
_TOKEN = re.compile(r"[a-z][a-z0-9]{0,2}")
_CLASSES = frozenset(("dataframe", "highlight", "address", "anchor-link"))

#: Ids of others have this in front: none of ours begins so, and links within a text still find them.
OTHERS = "n-"


def style(text: str) -> str:
    """The harmless declarations of a style that the sanitiser has written."""
    return ";".join(each for each in text.split(";") if _VALUES.fullmatch(each.partition(":")[2].strip()))


def classes(text: str) -> str:
    """The classes that mean nothing but a look."""
    return " ".join(each for each in text.split() if each in _CLASSES or _TOKEN.fullmatch(each))
