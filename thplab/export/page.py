"""One HTML file with the stage, its styles and a recording or two in it: no server, no network, no Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from thplab.export.embed import POLICY, UNPACK, bytes_script, packed, script
from thplab.reading.compare import Comparison
from thplab.reading.text import moment_text
from thplab.recording import Recording
from thplab.stage.build import css, javascript
from thplab.stage.link import link_text

_BODY = """body { margin: 0; padding: 8px; background: #fff; }
@media (prefers-color-scheme: dark) { body { background: #12161b; } }
@media print { body { background: #fff; padding: 0; } }
noscript pre { white-space: pre-wrap; font: 1em/1.5 monospace; }"""

_START = """const recordings = [...document.querySelectorAll('[id^="recording"]')].map(held);
const options = JSON.parse(document.getElementById("options").textContent);
const place = /^#(\\d+)$/.exec(location.hash);
if (place) options.step = Number(place[1]);
const main = document.getElementById("stage");
const two = recordings.length > 1;
const handle = await (two ? mountPair(main, recordings, options) : mount(main, recordings[0], options));
if (two) handle.go(options.step);
addEventListener("hashchange", () => handle.go(Number(location.hash.slice(1))));
main.querySelector(".thplab-stage").focus({ preventScroll: true });"""


def page(shown: Recording | Comparison, step: int | None = None, **options: Any) -> str:
    """The text of the page: a recording, or the two of a comparison side by side on one clock.

    It opens at ``step`` (else at the start, or where the two part), or at N if its address ends in ``#N``;
    of two recordings the first is meant. ``options`` are those of ``mount`` in docs/stage.md: views,
    granularity, theme, height, stops. IndexError outside the recording.
    """
    if isinstance(shown, Comparison):
        first, recordings = shown.first, [shown.first, shown.second]
        at = (shown.parted or 0) if step is None else step
        twin = f"{moment_text(first, at)}\n\n{shown}"
        data = {**shown.to_data(), **options, "step": at}
        title = f"{_title(first)}: {shown.edits_text or 'two futures'}"
    else:
        first, recordings, at = shown, [shown], step or 0
        twin, title = moment_text(first, at), _title(first)
        data = {**options, "step": at}
    return _document(title, twin, {"link": link_text(first), **data}, recordings)


def _title(recording: Recording) -> str:
    return f"{recording.header['title'] or 'Recording'}, Linux {recording.header['kernel']}"


def _document(title: str, twin: str, data: dict[str, Any], recordings: Sequence[Recording]) -> str:
    ids = ("recording", "recording-2")
    held = [bytes_script(name, each.to_bytes()) for name, each in zip(ids, recordings, strict=False)]
    held.append(bytes_script("program", packed(f"{javascript()}\n{_START}")))
    bytes_ = "\n".join(held)
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
<noscript><p>This page needs JavaScript to step, and it is off. Moment {data["step"]} in words:</p>
<pre>{escape(twin)}</pre></noscript>
<script type="application/json" id="options">{script(json.dumps(data))}</script>
{bytes_}
<script type="module">
{UNPACK}
</script>
</body>
</html>
"""
