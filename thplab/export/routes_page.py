"""One HTML file with machines side by side at three moments: no server, no network, no Python."""

from __future__ import annotations

from thplab.export.html import Document, Script, element, join, json_script, text
from thplab.stage.build import css, javascript
from thplab.stage.routes import Routes

_BODY = """body { margin: 0; padding: 8px; background: #fff; }
@media (prefers-color-scheme: dark) { body { background: #12161b; } }"""

_START = """const data = JSON.parse(document.getElementById("routes").textContent);
const { root } = mountRoutes(document.getElementById("stage"), data);
root.focus({ preventScroll: true });"""


def routes_page(routes: Routes) -> str:
    """The text of the page; without JavaScript it shows all moments in words."""
    parts = [
        element("main", id="stage"),
        element("noscript", element("pre", text(repr(routes)))),
        json_script("routes", routes.data),
    ]
    program = Script(f"{javascript()}\n{_START}", "module")
    return Document(routes.data["title"], f"{_BODY}\n{css()}", join(parts, "\n"), [program]).html()
