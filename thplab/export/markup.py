"""Markdown and HTML of others, for a page that asks nobody: nothing runs, nothing is loaded.

The last to write is a sanitiser, nh3: it parses as browsers do, and keeps what ``thplab/export/allowed.py``
names. Before that, addresses are looked at one by one, in what it has written already, where each tag is a
tag and each quote a quote.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from html import unescape
from html.parser import HTMLParser
from typing import Any

from thplab.export import allowed
from thplab.export.html import Html, closed, data_address, element, opened, text, whole
from thplab.export.nesting import Held, flattened, long_runs_cut, no_html, no_markdown
from thplab.export.pictures import Pictures, is_svg

_ROUNDS = 6  # until what was written is read as it was written
_WEB = ("http://", "https://")
_DRAWING = re.compile(r"<svg\b", re.IGNORECASE)
_DRAWING_ENDS = re.compile(r"</svg\s*>", re.IGNORECASE)
_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
#: Other drawings, and formulas, keep their text: the sanitiser would take it out with them.
_FOREIGN = re.compile(rf"(?<=<)(/?)(?:{'|'.join(allowed.FOREIGN)})(?=[\s/>])", re.IGNORECASE)
_LABEL = re.compile(r'<title[^>]*>([^<]*)</title|aria-label="([^"]*)"')
#: One of these that is not closed would hide the rest of the text, which is why it is text itself then.
_HIDING = (
    "!--",
    "script",
    "style",
    "title",
    "textarea",
    "template",
    "iframe",
    "object",
    "noembed",
    "noframes",
    "xmp",
)

Filter = Callable[[str, str, str], str | None]


def markdown(words: str, pictures: Pictures) -> Html:
    """HTML of a Markdown text."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def image(self, words: str, url: str, title: str | None = None) -> Any:
            """An image; those that are attached are not looked for yet."""
            return super(IPythonRenderer, self).image(words, url, title)

    held = Held()
    short = long_runs_cut(held.out(whole(words)))
    if why := no_markdown(short):
        return element("em", text(why))
    try:
        return clean(
            held.back(str(MarkdownWithMath(renderer=Renderer(escape=False)).render(short))), pictures
        )
    except RecursionError:  # quotes in quotes in quotes
        return element("pre", text(words))


def clean(html: str, pictures: Pictures) -> Html:
    """The same HTML with nothing in it that runs, loads or leaves the page, and with all its tags closed.

    A link to the web opens beside the page and says where it leads, another one is its text; a picture
    becomes part of the page, or its description.
    """
    held = Held()
    short = held.out(whole(html))
    if why := no_html(short):
        return element("em", text(why))
    short = flattened(_drawings_as_pictures(_without_unclosed(short)))
    once = _sanitised(held.back(short), _as_it_is)
    arranger = _Arranger(pictures)
    arranger.feed(once)
    arranger.close()
    now = "".join(arranger.out)
    ours = partial(_ours, arranger.addresses)
    for _ in range(_ROUNDS):
        before, now = now, _sanitised(now, ours)
        if now == before:
            return Html(now)
    return element("pre", text(re.sub("<[^<>]*>", "", now)))


def _without_unclosed(html: str) -> str:
    for name in ("plaintext", *_HIDING):
        ending = "-->" if name == "!--" else f"</{name}"
        ends = [found.end() for found in re.finditer(ending, html, re.IGNORECASE | re.ASCII)]
        last = 0 if name == "plaintext" or not ends else ends[-1]
        tail = re.sub(f"<(?={name})", "&lt;", html[last:], flags=re.IGNORECASE | re.ASCII)
        html = html[:last] + tail
    return html


def _drawings_as_pictures(html: str) -> str:
    pieces, at = [], 0
    while (begin := _DRAWING.search(html, at)) and (end := _DRAWING_ENDS.search(html, begin.end())):
        pieces += [html[at : begin.start()], _drawing(html[begin.start() : end.end()])]
        at = end.end()
    return _FOREIGN.sub(r"\1span", "".join(pieces) + html[at:])


def _drawing(found: str) -> str:
    """A drawing that XML can read, as a picture: no script runs in one."""
    drawing = found if "xmlns=" in found else found.replace("<svg", f"<svg{_NAMESPACE}", 1)
    if not is_svg(drawing.encode()):
        return found
    label = _LABEL.search(drawing)
    says = (label[1] or label[2] or "") if label else ""
    return element("img", src=data_address("image/svg+xml", drawing.encode()), alt=unescape(says))


def _sanitised(html: str, keep: Filter) -> str:
    import nh3

    return nh3.clean(
        html,
        tags=set(allowed.TAGS),
        clean_content_tags=set(allowed.UNREADABLE),
        attributes={tag: set(names) for tag, names in allowed.ATTRIBUTES.items()},
        attribute_filter=keep,
        filter_style_properties=set(allowed.STYLES),
        url_schemes={"http", "https", "data", "attachment", "file"},
        link_rel="noopener noreferrer",
    )


def _as_it_is(tag: str, name: str, value: str) -> str | None:
    return value


def _ours(addresses: set[str], tag: str, name: str, value: str) -> str | None:
    """What an attribute keeps at last: nothing here can fail, as the sanitiser would keep the value then."""
    if name == "src":
        return value if value in addresses else None
    if name == "href":
        return value if value.startswith((*_WEB, f"#{allowed.OTHERS}")) else None
    if name == "id":
        return value if value.startswith(allowed.OTHERS) else allowed.OTHERS + value
    if name == "target":
        return "_blank" if value == "_blank" else None
    if name == "style":
        return allowed.style(value) or None
    if name == "class":
        return allowed.classes(value) or None
    return value


class _Arranger(HTMLParser):
    """Gives links and pictures of HTML that the sanitiser has written the form that they have in a page."""

    def __init__(self, pictures: Pictures) -> None:
        super().__init__(convert_charrefs=False)
        self.pictures = pictures
        self.addresses: set[str] = set()  # of the pictures that became part of the page
        self.out: list[str] = []
        self.links: list[str] = []  # the tags that end those that are open; "" for one that is left out

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._link(known)
        else:
            self._put(self._picture(known) if tag == "img" else self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self._put(f"</{tag}>" if tag != "a" or not self.links else self.links[-1])
        if tag == "a" and self.links:
            self.links.pop()

    def handle_data(self, data: str) -> None:
        self._put(data)

    def handle_entityref(self, name: str) -> None:
        self._put(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._put(f"&#{name};")

    def _put(self, html: str) -> None:
        if "" not in self.links:
            self.out.append(html)

    def _link(self, known: dict[str, str]) -> None:
        address = known.get("href", "")
        if "anchor-link" in known.get("class", ""):  # the mark behind a heading that links to itself
            self.links.append("")
            return
        if address.startswith(_WEB):
            self._put(opened("a", href=address, target="_blank", title=address))
        elif address.startswith("#"):
            self._put(opened("a", href=f"#{allowed.OTHERS}{address[1:]}"))
        else:
            self._put(opened("span", class_="address"))
            self.links.append(closed("span"))
            return
        self.links.append(closed("a"))

    def _picture(self, known: dict[str, str]) -> Html:
        address, says = self.pictures.find(known.get("src", "")), known.get("alt", "")
        if address is None:
            return element("em", text(says))
        self.addresses.add(address)
        looks = {name: known.get(name) for name in ("title", "width", "height", "style")}
        return element("img", src=address, alt=says, **looks)
