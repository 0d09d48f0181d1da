"""What a cell has made is closed when it runs again: in a kernel, as a front end runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stage.conftest import SMALL
from thplab.stage.cells import Cells, close

Run = Callable[..., str]

BEFORE = f"""
import ctypes, gc, ipywidgets
from thplab.lessons import ask
from thplab.recording import record_scenario
from thplab.scenario import Scenario
from thplab.stage import Stage
small = record_scenario(Scenario.from_data({SMALL!r}))
def alive():
    gc.collect()
    return len(ipywidgets.widgets.widget._instances)
def rss():
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free goes back, so that it does not count
    return int(open("/proc/self/statm").read().split()[1]) * 4096
"""

LINKED = """
stage, follower = Stage(small), Stage(small)
ipywidgets.jslink((stage, "shown"), (follower, "step"))
stage
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(env={**os.environ})
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def run(kernel: Any) -> Run:
    """Run code as the cell of this id; what it prints. AssertionError with the error that it raises."""

    def run(code: str, cell: str | None = None) -> str:
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": True}  # fmt: skip
        message = kernel.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        kernel.shell_channel.send(message)
        printed, wanted = "", message["header"]["msg_id"]
        while True:
            answer = kernel.get_iopub_msg(timeout=60)
            kind, said = answer["header"]["msg_type"], answer["content"]
            if answer["parent_header"].get("msg_id") != wanted:
                continue
            assert kind != "error", "\n".join(said.get("traceback", ()))
            printed += said["text"] if kind == "stream" else ""
            if kind == "status" and said["execution_state"] == "idle":
                return printed.strip()

    run(BEFORE, "before")
    run("ipywidgets.Widget.close_all()")
    return run


def alive(run: Run) -> int:
    return int(run("print(alive())"))


@pytest.mark.parametrize(
    "code",
    [
        "Stage(small)",
        "display(Stage(small))",
        "ask('05.cards')",
        "ipywidgets.HBox([Stage(small), Stage(small)]).children[0]",
        LINKED,
    ],
)
def test_a_cell_that_runs_again_has_its_widgets_once(run: Run, code: str) -> None:
    run(code, "cell")
    once = alive(run)
    for _ in range(3):
        run(code, "cell")
    assert alive(run) <= once + 6  # a box that is not ours, its layout


def test_without_a_cells_id_nothing_is_closed(run: Run) -> None:
    run("Stage(small)", "cell")
    once = alive(run)
    for _ in range(2):
        run("Stage(small)")
    assert alive(run) == once + 4


def test_what_another_cell_shows_stays(run: Run) -> None:
    run("stage = Stage(small)", "makes")
    run("ipywidgets.HBox([stage])", "shows")
    run("first = stage", "keeps")
    run("stage = Stage(small)", "makes")
    assert run("print(first.comm is not None, stage.comm is not None)") == "True True"
    run("ipywidgets.HBox([stage])", "shows")
    run("stage = Stage(small)", "makes")
    assert run("print(first.comm is None, first.text(3)[:5])").startswith("True ")


def test_a_layout_that_others_have_stays(run: Run) -> None:
    run("layout = ipywidgets.Layout(); other = ipywidgets.Button(layout=layout)", "layout")
    for _ in range(2):
        run("Stage(small, layout=layout)", "cell")
    assert run("print(layout.comm is not None)") == "True"


@pytest.mark.course
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_fifty_runs_need_less_than_five_stages(run: Run) -> None:
    run("saved = record_scenario('S07.none_411').to_bytes()")
    code = "Stage(saved)"
    for _ in range(10):
        run(code, "cell")
    before = int(run("print(rss())"))
    run("stages = [Stage(saved) for _ in range(10)]")
    filled = int(run("print(rss())"))
    empty = alive(run)
    for _ in range(50):
        run(code, "cell")
    grown, one = int(run("print(rss())")) - filled, (filled - before) / 10
    print(f"50 runs: {grown} bytes; one stage: {one:.0f}")
    assert alive(run) == empty
    assert grown < 5 * one


def test_without_a_kernel_nothing_is_noted() -> None:
    cells = Cells()
    cells.note(object())
    assert not cells.made
    close([])
