"""One HTML file with the stage, its styles and a recording or two in it: no server, no network, no Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thplab.export.embed import UNPACK, packed
from thplab.export.html import Document, Script, bytes_script, element, join, json_script, text
from thplab.reading.compare import Comparison
from thplab.reading.text import moment_text
from thplab.recording import Recording
from thplab.stage.build import css, javascript
from thplab.stage.link import link_text

_BODY = """body { margin: 0; padding: 8px; background: #fff; }
@media (prefers-color-scheme: dark) { body { background: #12161b; } }
@media print { body { background: #fff; padding: 0; } }
noscript pre { white-space: pre-wrap; font: 1em/1.5 monospace; }"""

_NO_JAVASCRIPT = "This page needs JavaScript to step, and it is off. Moment {step} in words:"

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
    program = f"{javascript()}\n{_START}"
    parts = [
        element("main", id="stage"),
        element(
            "noscript",
            element("p", text(_NO_JAVASCRIPT.format(step=data["step"]))),
            element("pre", text(twin)),
        ),
        json_script("options", data),
        *(bytes_script(name, each.to_bytes()) for name, each in zip(ids, recordings, strict=False)),
        bytes_script("program", packed(program)),
    ]
    page = Document(
        title, f"{_BODY}\n{css()}", join(parts, "\n"), [Script(UNPACK, "module")], starts=[program]
    )
    return page.html()
