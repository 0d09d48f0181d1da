"""Buttons that send a stage to moments with a name."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets

from thplab.stage import Stage
from thplab.stage.keys import KeptBox


def jumps(stage: Stage, moments: Mapping[str, int]) -> KeptBox:
    """A row of buttons, one for each of ``moments``, and the stage below it."""
    row = ipywidgets.HBox([_button(stage, name, moment) for name, moment in moments.items()])
    row.layout.flex_flow = "row wrap"
    return KeptBox([row, stage])


def _button(stage: Stage, name: str, moment: int) -> ipywidgets.Button:
    button = ipywidgets.Button(description=f"{name}: {moment}", layout={"width": "auto"})
    button.on_click(lambda _: _press(stage, moment))
    return button


def _press(stage: Stage, moment: int) -> None:
    stage.go(moment)
    stage.take_focus()
