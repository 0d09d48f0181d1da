"""Buttons that send a stage to moments with a name."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets

from thplab.stage import Stage
from thplab.stage.cells import made
from thplab.stage.go_on import GoOn


def jumps(stage: Stage, moments: Mapping[str, int]) -> ipywidgets.VBox:
    """A row of buttons, one for each of ``moments``, and the stage below it."""
    row = ipywidgets.HBox([_button(stage, name, moment) for name, moment in moments.items()])
    row.layout.flex_flow = "row wrap"
    box = ipywidgets.VBox([row, stage, GoOn()])
    made(box)
    return box


def _button(stage: Stage, name: str, moment: int) -> ipywidgets.Button:
    button = ipywidgets.Button(description=f"{name}: {moment}", layout={"width": "auto"})
    button.on_click(lambda _: stage.go(moment))
    return button
