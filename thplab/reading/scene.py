"""The scene as text: where the run is, and the numbers of the picture. The twin of views/scene.js."""

from __future__ import annotations

from collections.abc import Callable

from thplab.reading.moment import ReadMoment
from thplab.reading.scenes.collapse import collapse_lines
from thplab.reading.scenes.compaction import compaction_lines
from thplab.reading.scenes.fault import fault_lines
from thplab.reading.scenes.passes import pass_lines
from thplab.reading.scenes.process import process_lines
from thplab.reading.scenes.spending import visited
from thplab.reading.scenes.window import window_lines
from thplab.recording.derive.focus import SCENES

_OF_DAEMON = ("pass", "process", "window", "collapse")
_OF_PROGRAM = ("window", "collapse")
_WORDS = {"fault": "page fault"}
#: The daemons that each node has: there is one node, and its number says nothing.
DAEMONS = {"kcompactd0": "kcompactd", "kswapd0": "kswapd"}
_MOST_WINDOWS = 1 << 18

#: scene -> the numbers of its picture
LINES: dict[str, Callable[[ReadMoment], list[str]]] = {
    "collapse": collapse_lines,
    "compaction": compaction_lines,
    "fault": fault_lines,
    "pass": pass_lines,
    "process": process_lines,
    "window": window_lines,
}


def scene_lines(at: ReadMoment) -> list[str]:
    """From the task down to the kind of work; then what the picture shows."""
    comm, _, pid = at.moment.task.rpartition("-")
    is_process = any(each["type"] == "Mm" and each["label"] == comm for each in at.header["objects"])
    name = f"process {comm}" if is_process else DAEMONS.get(comm, comm)
    actor = name if pid != "0" else "no task"
    chain = _chain(at, comm)
    lines = LINES[chain[-1]](at) if chain and chain[-1] in LINES else []
    return [" > ".join((actor, *(_words(at, scene) for scene in chain))), *lines]


def _chain(at: ReadMoment, comm: str) -> tuple[str, ...]:
    """The kinds of work around the moment's, from the outside in."""
    number = at.recording.sections["m_scene"][at.number]
    scene = SCENES[number]
    around = _OF_DAEMON if comm == "khugepaged" else _OF_PROGRAM
    if scene in around:
        return around[: around.index(scene) + 1]
    return (scene,) if number else ()


def _words(at: ReadMoment, scene: str) -> str:
    if scene == "process":
        mm = at.window.mm if at.window else None
        name = visited(at) or (mm.label if mm else "")
        return f"process {name}" if name else scene
    return window_words(at) if scene == "window" else _WORDS.get(scene, scene)


def window_words(at: ReadMoment) -> str:
    """The moment's window: by its number from the first one on, if there is one, else by its address."""
    if at.window is None:
        return "window"
    geometry, focus = at.header["geometry"], at.header["focus"]
    size = geometry["entries"] << geometry["page_shift"]
    start = int(focus["address"]) if focus else 0
    number, _ = divmod(at.window.address - start, size)
    numbered = start and 0 <= number < _MOST_WINDOWS and not start % size
    return f"window {number}" if numbered else f"window at {at.window.address:#x}"
