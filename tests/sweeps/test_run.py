"""Whoever computes a sweep, the rows are the same and in the same order."""

from __future__ import annotations

import io
import os
import sys
import types
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from thplab.sweeps import Rows, SerialExecutor, coverage_sweep, progress, run, sweep


@dataclass(frozen=True)
class Square:
    number: int
    square: int


def squares(number: int) -> list[Square]:
    """Two rows a point; 13 is bad luck."""
    if number == 13:
        raise ArithmeticError("thirteen")
    return [Square(number, number * number), Square(-number, number * number)]


def process_of(number: int) -> list[int]:
    return [os.getpid()]


EXPECTED = [(sign * n, n * n) for n in (3, 1, 2) for sign in (1, -1)]


@pytest.mark.parametrize("executor", [None, SerialExecutor(), ThreadPoolExecutor(2)])
def test_rows_come_in_the_order_of_the_points(executor: Executor | None) -> None:
    assert sweep(squares, (3, 1, 2), executor=executor).values() == EXPECTED


def test_an_executor_that_was_handed_in_is_left_running() -> None:
    with ThreadPoolExecutor(1) as pool:
        sweep(squares, (1,), executor=pool)
        assert pool.submit(int, "7").result() == 7


def test_without_an_executor_the_processors_of_this_computer_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert os.getpid() not in sweep(process_of, (1, 2))
    assert sweep(process_of, (1,)) == [os.getpid()]  # not for one job
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert set(sweep(process_of, (1, 2))) == {os.getpid()}


def test_no_points_no_rows() -> None:
    assert sweep(squares, ()) == []
    assert sweep(squares, ()).csv() == "\n"


@pytest.mark.parametrize("executor", [SerialExecutor(), ThreadPoolExecutor(1)])
def test_an_error_names_its_point_and_stops_the_rest(executor: Executor) -> None:
    submitted: list[Future[Any]] = []
    plain = executor.submit
    executor.submit = lambda *a: submitted.append(plain(*a)) or submitted[-1]  # type: ignore[method-assign]
    with pytest.raises(ArithmeticError, match="thirteen") as caught:
        sweep(squares, (1, 13, 2), executor=executor)
    assert caught.value.__notes__ == ["in the sweep's point 13"]
    assert all(future.done() for future in submitted)


def test_a_dask_cluster_on_this_computer() -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        here = coverage_sweep((1, 0.5), (0, 511), windows=1, executor=SerialExecutor())
        there = coverage_sweep((1, 0.5), (0, 511), windows=1, executor=client.get_executor())
        assert os.getpid() not in sweep(process_of, (1, 2), executor=client.get_executor())
    assert there == here
    assert len(there) == 4


def test_rows_are_a_table_and_a_csv_file(tmp_path: Any) -> None:
    rows = Rows([Square(1, 1), Square(2, 4)])
    assert rows.csv() == "number,square\n1,1\n2,4\n"
    rows.save_csv(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == rows.csv()
    assert rows.column("square") == [1, 4]
    assert rows.table().rows == (("1", "1"), ("2", "4"))
    assert "<td" in rows._repr_html_()
    assert "number" in str(rows)
    with pytest.raises(ValueError, match="no column 'cube'; there are number, square"):
        rows.column("cube")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands at clock[0]."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_on_a_terminal_after_two_seconds(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.Progress("squares", 10) as bar:
        clock[0] = 1.9
        bar.at(5)
        assert terminal.getvalue() == ""
        clock[0] = 3
        bar.at(6)
        assert terminal.getvalue() == "\rsquares: 6 of 10, about 2 s left"
    assert terminal.getvalue().endswith(f"\r{' ' * len('squares: 6 of 10, about 2 s left')}\r")


def test_nothing_where_nobody_looks(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    with progress.Progress("squares", 10) as bar:
        clock[0] = 60
        bar.at(6)
    assert stream.getvalue() == ""


def test_a_bar_in_a_notebook(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    import IPython
    import IPython.display

    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace(kernel="one"))
    monkeypatch.setattr(IPython.display, "display", shown.append)
    with progress.Progress("squares", 10) as bar:
        clock[0] = 3
        bar.at(0)
        bar.at(6)
        (box,) = shown
        widget, label = box.children
        assert (widget.value, widget.max) == (6, 10)
        assert label.value == "squares: 6 of 10, about 2 s left"
    assert box.comm is None


def test_points_are_counted_as_they_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Spy(progress.Progress):
        def at(self, done: int) -> None:
            seen.append(done)

    monkeypatch.setattr(run, "Progress", Spy)
    sweep(squares, (1, 2, 3), executor=SerialExecutor())
    assert seen[-1] == 3
    assert seen == sorted(seen)
