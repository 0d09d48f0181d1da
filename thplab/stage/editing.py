"""What the edit row of a stage asks for, and the answers it gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from thplab.scenario import ScenarioError
from thplab.scenario.gaps import GAPS
from thplab.scenario.paint import PAINTS
from thplab.scenario.settings import SETTINGS
from thplab.scenario.spec import INTRUDER_OPS
from thplab.stage.branching import EditError

if TYPE_CHECKING:
    from thplab.stage.widget import Stage

#: What the edit row offers.
CHOICES = {
    "paints": [kind for kind in PAINTS if kind != "keep"],
    "knobs": {name: setting.value.allowed for name, setting in SETTINGS.items()},
    "ops": list(INTRUDER_OPS),
    "gaps": {name: gap.says for name, gap in GAPS.items()},
}

_FIELDS = ("paint", "knobs", "op", "gap")


def answer(stage: Stage, message: object) -> None:
    """Carry out what the browser asks for: ``edit``, ``keep`` (the second future) or ``alone``.

    The browser is told at once that somebody listens, and then what came of it.
    """
    if not isinstance(message, Mapping):
        return
    if message.get("keep"):
        stage.keep_second()
        stage.take_focus()
    elif message.get("alone"):
        stage.alone()
        stage.take_focus()
    elif isinstance(message.get("edit"), Mapping):
        stage.send({"listening": True})
        stage.send(_edit(stage, message["edit"]))


def _edit(stage: Stage, edit: Mapping[str, Any]) -> dict[str, Any]:
    at, texts = edit.get("at"), {name: edit.get(name) for name in _FIELDS}
    if not isinstance(at, int) or not all(isinstance(text, str) for text in texts.values()):
        return {"refused": {"field": "", "text": "the request is not one that this version knows"}}
    try:
        stage.branch(at, **texts)
    except EditError as error:
        return {"refused": {"field": error.field, "text": str(error)}}
    except (ScenarioError, ValueError, IndexError, MemoryError) as error:
        return {"refused": {"field": "", "text": str(error)}}
    stage.take_focus()
    return {"branched": True}
