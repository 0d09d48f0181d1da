"""Do one job for each of many points, on whatever computes it, and put the rows together in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from itertools import chain
from typing import Any, ParamSpec, TypeVar

from tqdm.auto import tqdm

from thplab.sweeps.rows import Rows

Point = TypeVar("Point")
Row = TypeVar("Row")
P = ParamSpec("P")
R = TypeVar("R")

#: Seconds before a bar is shown.
_PATIENCE = 2.0


class SerialExecutor(Executor):
    """Does each job when it is submitted, here: where there are no processes to be had, and in tests."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Do the job; the future has its result, or the exception that it raised."""
        future: Future[R] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def sweep(
    job: Callable[[Point], Sequence[Row]],
    points: Sequence[Point],
    *,
    executor: Executor | None = None,
    title: str = "sweep",
) -> Rows[Row]:
    """All rows that ``job`` makes of the points, in the order of the points.

    ``job`` must be a function of a module, so that other processes find it; what is random in it comes
    from the point. With ``executor`` None one process for each processor is started and ended. What a
    job raises is raised here, with the point noted, and the jobs not yet begun are dropped. Ctrl-C also
    ends those that run, unless the executor is yours.
    """
    pool = executor or _own_executor(len(points))
    futures: list[Future[Sequence[Row]]] = []
    try:
        with tqdm(desc=title, total=len(points), delay=_PATIENCE, leave=False, disable=None) as bar:
            for point in points:
                futures.append(pool.submit(job, point))
                bar.update(sum(future.done() for future in futures) - bar.n)
            _await(futures, points, bar)
        return Rows(chain.from_iterable(future.result() for future in futures))
    except KeyboardInterrupt:
        if executor is None:
            _end_workers(pool)
        raise
    finally:
        for future in futures:
            future.cancel()
        if executor is None:
            pool.shutdown()


def _end_workers(pool: Executor) -> None:
    """At once: a job may take minutes. (ProcessPoolExecutor says who they are since Python 3.14.)"""
    workers = getattr(pool, "_processes", None) or {}
    for worker in list(workers.values()):
        worker.terminate()


def _await(futures: Sequence[Future[Any]], points: Sequence[object], bar: Any) -> None:
    """Until all are done, or one has failed."""
    point_of = dict(zip(futures, points, strict=True))
    for future in as_completed(futures):
        if error := future.exception():
            error.add_note(f"in the sweep's point {point_of[future]}")
            raise error
        bar.update(sum(future.done() for future in futures) - bar.n)


def _own_executor(jobs: int) -> Executor:
    """Processes if there is more than one job and processor; the browser's Python has none."""
    processors = min(os.cpu_count() or 1, jobs)
    if processors < 2 or sys.platform == "emscripten":
        return SerialExecutor()
    # Not fork: a notebook's kernel has threads.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processors, mp_context=context, initializer=_leave_ctrl_c_to_the_parent)


def _leave_ctrl_c_to_the_parent() -> None:
    """A terminal sends it to all processes; each would print a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
