"""One HTML file with machines side by side at three moments: no server, no network, no Python."""

from __future__ import annotations

import json
from html import escape

from thplab.export.embed import POLICY, script
from thplab.stage.build import css, javascript
from thplab.stage.routes import Routes

_BODY = """body { margin: 0; padding: 8px; background: #fff; }
@media (prefers-color-scheme: dark) { body { background: #12161b; } }"""

_START = """const data = JSON.parse(document.getElementById("routes").textContent);
const { root } = mountRoutes(document.getElementById("stage"), data);
root.focus({ preventScroll: true });"""


def routes_page(routes: Routes) -> str:
    """The text of the page; without JavaScript it shows all moments in words."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width">
<title>{escape(routes.data["title"])}</title>
<style>
{_BODY}
{css()}</style>
</head>
<body>
<main id="stage"></main>
<noscript><pre>{escape(repr(routes))}</pre></noscript>
<script type="application/json" id="routes">{script(json.dumps(routes.data))}</script>
<script type="module">
{script(javascript())}
{_START}
</script>
</body>
</html>
"""
