"""Points: what is refused, and what may be read."""

import pytest

from thplab import points
from thplab.mm.khugepaged import scan as khugepaged
from thplab.points import Locals, Point, point_of


def test_a_variable_that_the_function_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="scan_pmd has no variable indexx, pfnn"):
        Point(khugepaged.scan_pmd, ("mm", "indexx", "pfnn"))


@pytest.mark.parametrize("point", points.ALL, ids=lambda point: point.name)
def test_declared_variables_are_those_of_the_function(point: Point) -> None:
    code = point.function.__code__
    assert set(point.reads) <= {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    assert point_of(code) is point, "one point for each function"


def test_only_declared_variables_can_be_read() -> None:
    """To read one more, declare it: otherwise a rename in the model would go unnoticed."""
    local = Locals(points.DO_SCAN, {"kernel": 1, "spent": 2})
    assert (local["kernel"], local.get("mm"), list(local)) == (1, None, ["kernel"])
    with pytest.raises(AssertionError, match="khugepaged_do_scan does not declare that 'spent' is read"):
        local.get("spent")


def test_a_label_of_no_function_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels lie below the model: only a name can stand there."""
    frames = dict(points.PROFILES["6.18"].frames_of)
    monkeypatch.setattr(points, "PROFILES", {"x": _Labels({**frames, "scan_pdm": ()})})
    with pytest.raises(ValueError, match="profile x labels 'scan_pdm'"):
        points.check_labels()
    monkeypatch.setattr(points, "PROFILES", {"x": _Labels({"scan_pmd": frames["collapse_huge_page"]})})
    with pytest.raises(ValueError, match="profile x: scan_pmd has no argument address, referenced, unmapped"):
        points.check_labels()


class _Labels:
    """As much of a profile as has labels."""

    name = "x"

    def __init__(self, frames_of: object) -> None:
        self.frames_of = frames_of
