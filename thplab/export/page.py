"""One HTML file with the stage, its styles and a recording in it: no server, no network, no Python."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from thplab.export.embed import POLICY, recording_script, script
from thplab.recording import Recording
from thplab.stage.build import css, javascript
from thplab.stage.link import link_text
from thplab.stage.text import moment_text

__all__ = ["page"]

_BODY = """body { margin: 0; padding: 8px; background: #fff; }
@media (prefers-color-scheme: dark) { body { background: #12161b; } }
@media print { body { background: #fff; padding: 0; } }
noscript pre { white-space: pre-wrap; font: 1em/1.5 monospace; }"""

_START = """const text = document.getElementById("recording").textContent;
const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const options = JSON.parse(document.getElementById("options").textContent);
const place = /^#(\\d+)$/.exec(location.hash);
if (place) options.step = Number(place[1]);
const handle = await mount(document.getElementById("stage"), bytes, options);
addEventListener("hashchange", () => handle.go(Number(location.hash.slice(1))));
handle.root.focus({ preventScroll: true });"""


def page(recording: Recording, step: int = 0, **options: Any) -> str:
    """The text of the page. It opens at ``step``, or at N if its address ends in ``#N``.

    ``options`` are those of ``mount`` in docs/stage.md: views, granularity, theme, height, stops.
    IndexError outside the recording.
    """
    twin = moment_text(recording, step)
    title = f"{recording.header['title'] or 'Recording'}, Linux {recording.header['kernel']}"
    data = {"link": link_text(recording), **options, "step": step}
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>
{_BODY}
{css()}</style>
</head>
<body>
<main id="stage"></main>
<noscript><p>This page steps through a recording with JavaScript, which is off. Moment {step} in words:</p>
<pre>{escape(twin)}</pre></noscript>
<script type="application/json" id="options">{script(json.dumps(data))}</script>
{recording_script("recording", recording.to_bytes())}
<script type="module">
{script(javascript())}
{_START}
</script>
</body>
</html>
"""
