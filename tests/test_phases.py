"""The phases of a collapse have one numbering, in texts too."""

import json
import re
from pathlib import Path

from thplab.mm.khugepaged import collapse
from thplab.phases import PHASES, STEPS

ROOT = Path(__file__).parent.parent
NUMBERED = list(dict.fromkeys((phase.number, phase.name) for phase in PHASES if phase.number))


def test_numbers_follow_the_order() -> None:
    assert [number for number, _ in NUMBERED] == list(range(1, 8))
    assert [phase.number for phase in PHASES] == sorted(phase.number for phase in PHASES)
    assert STEPS[3:] == tuple(f"{number} {name}" for number, name in NUMBERED)


def test_the_model_tells_them_so() -> None:
    told = re.findall(r"^    (\d) (\S+(?: \S+)?)  ", collapse.__doc__ or "", re.MULTILINE)
    assert [(int(number), name) for number, name in told] == NUMBERED


def test_notebook_08_tells_them_so() -> None:
    notebook = json.loads((ROOT / "notebooks/08-collapse-huge-page.ipynb").read_text("utf-8"))
    (cell,) = (cell for cell in notebook["cells"] if cell["id"] == "read-the-phases")
    told = re.findall(r"^(\d)\. \*\*(.*?)\*\*", "".join(cell["source"]), re.MULTILINE)
    assert [(int(number), name) for number, name in told] == NUMBERED
