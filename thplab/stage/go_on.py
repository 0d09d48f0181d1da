"""One line beside controls that need Python: seen while no kernel runs behind them, it says how to go on."""

from __future__ import annotations

import traitlets

from thplab.stage.program import Programmed

AGAIN = "Saved earlier; no kernel runs behind this. To go on: Run > Run All Cells."


class GoOn(Programmed):
    """``says`` is the line; with each new ``count`` the notebook has something to save."""

    part = traitlets.Unicode("goOn").tag(sync=True)
    says = traitlets.Unicode(AGAIN).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)
