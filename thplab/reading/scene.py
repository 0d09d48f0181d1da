"""The scene as text: where the run is, and the numbers of the sentence. The twin of views/scene.js."""

from __future__ import annotations

from thplab.reading.moment import ReadMoment
from thplab.recording.derive.focus import SCENES

_PLAIN = {"fault": "page fault"}


def scene_lines(at: ReadMoment) -> list[str]:
    """From the task down to the kind of work; then the numbers, by name."""
    told = at.recording.told(at.number)
    values = told.values if told else {}
    numbers = [f"{name} {value}" for name, value in values.items() if isinstance(value, int)]
    return [" > ".join(_crumbs(at, dict(values))), *([", ".join(numbers)] if numbers else [])]


def _crumbs(at: ReadMoment, values: dict[str, int | str]) -> list[str]:
    comm, _, pid = at.moment.task.rpartition("-")
    found = [comm if pid != "0" else "no task"]
    if values.get("mm", found[0]) != found[0]:
        found.append(f"process {values['mm']}")
    if "window" in values:
        found.append(str(values["window"]))
    scene = SCENES[at.recording.sections["m_scene"][at.number]]
    if scene != SCENES[0] and scene not in found:
        found.append(_PLAIN.get(scene, scene))
    return found
