"""Whoever computes a sweep, the rows are the same and in the same order."""

from __future__ import annotations

import io
import os
import sys
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from thplab.sweeps import Rows, SerialExecutor, coverage_sweep, run, sweep


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


@pytest.mark.long
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


@pytest.mark.parametrize(
    ("stream", "patience", "shown"),
    [(Terminal(), 0.0, True), (Terminal(), 3600.0, False), (io.StringIO(), 0.0, False)],
    ids=["a terminal", "a terminal, soon over", "a file"],
)
def test_a_bar_only_where_someone_waits(
    stream: io.StringIO, patience: float, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(run, "_PATIENCE", patience)
    sweep(squares, (1, 2), executor=SerialExecutor(), title="squares")
    assert ("squares: " in stream.getvalue()) == shown
    assert stream.getvalue().rpartition("\r")[2] == ""  # and is taken away again


@pytest.mark.parametrize("executor", [SerialExecutor(), ThreadPoolExecutor(2)])
def test_points_are_counted_as_they_come_in(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Spy(run.tqdm):  # type: ignore[misc, name-defined]
        def update(self, n: float = 1) -> None:
            self.n += n
            seen.append(self.n)

    monkeypatch.setattr(run, "tqdm", Spy)
    sweep(squares, (1, 2, 3), executor=executor)
    assert seen[-1] == 3
    assert seen == sorted(seen)
