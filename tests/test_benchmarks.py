"""The measurements run; their figures are no test."""

from __future__ import annotations

import pytest

from benchmarks import khugepaged, scan
from benchmarks.report import Figure, show
from thplab.scenario.predict import predict_lines


def test_a_figure_has_its_median_its_quartiles_and_its_aim(capsys: pytest.CaptureFixture[str]) -> None:
    show(Figure("walk", "ms", [1, 2, 3, 4, 100], "by foot", aim=3))
    assert capsys.readouterr().out == (
        "walk: 3 ms (quartiles 2 to 4)  aim <= 3 ms: met\n    5 times; by foot\n"
    )
    show(Figure("walk", "ms", [5], "by foot", aim=3))
    assert "5 ms (quartiles 5 to 5)  aim <= 3 ms: MISSED" in capsys.readouterr().out


def test_the_scan_reads_every_entry_and_collapses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is what is said: 512 entries, refused at the last one."""
    results = []
    real = scan.scan_pmd

    def noted(*arguments: object) -> object:
        results.append(real(*arguments))  # type: ignore[arg-type]
        return results[-1]

    monkeypatch.setattr(scan, "scan_pmd", noted)
    monkeypatch.setattr(scan, "_ROUNDS", 3)
    figures = scan.figures()
    assert [len(figure.values) for figure in figures] == [3, 3, 3]
    assert [result.value for result, _ in results] == ["not_suitable_page_count"] * 3


def test_what_khugepaged_is_measured_on() -> None:
    """Recorded runs as predict reads them; windows that are all collapsed; passes that are all made."""
    answers = list(predict_lines(list(khugepaged.lines_of("random-A"))[:3]))
    assert [{"after", "name", "steps"} <= set(answer) for answer in answers] == [True] * 3
    assert khugepaged.collapse(2)[0] > 0
    assert khugepaged.sixty_four_gib(20) > 0
