"""Code answers in a real kernel: Check leaves it free, Stop works, and it answers afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

pytestmark = pytest.mark.course

_BOX = """
from dataclasses import replace
from tests.lessons.hostile_code import DOUBLE, source
from thplab.lessons.kinds.question import Question
from thplab.lessons.trial.job import Limits
from thplab.lessons.widgets.box import QuestionBox
kind = replace(DOUBLE, limits=Limits(seconds={seconds}))
box = QuestionBox(lambda seed: Question("00.double", "?", kind, "Twice.", ("", "")))
state = box._running
buttons = [each for row in box.children for each in getattr(row, "children", ())]
check = next(each for each in buttons if getattr(each, "description", "") == "Check")
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[BlockingKernelClient]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def printed(client: BlockingKernelClient, code: str) -> str:
    """What a cell prints; its error, if it has one."""
    parts: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        parts.append(
            content.get("text", "") if message["msg_type"] == "stream" else content.get("evalue", "")
        )

    client.execute_interactive(code, output_hook=hear, timeout=60)
    return "".join(parts).strip()


def click(client: BlockingKernelClient, button: str) -> None:
    """Press a button as the browser does: by a message on its comm."""
    model = printed(client, f"print({button}.model_id)")
    content = {"comm_id": model, "data": {"method": "custom", "content": {"event": "click"}}}
    client.shell_channel.send(client.session.msg("comm_msg", content))


def until(client: BlockingKernelClient, condition: str) -> None:
    end = time.monotonic() + 30
    while printed(client, f"print({condition})") != "True":
        assert time.monotonic() < end, printed(client, "print(box._said.value, state.layout.display)")
        time.sleep(0.05)


def begin(client: BlockingKernelClient, seconds: float, code: str) -> None:
    assert printed(client, _BOX.format(seconds=seconds)) == ""
    assert printed(client, f"box.field.text.value = source({code!r})") == ""
    click(client, "check")


def test_a_right_answer_is_said_and_kept(kernel: BlockingKernelClient) -> None:
    begin(kernel, 5, "print('hear'); return 2 * x")
    until(kernel, "'Yes. Twice.' in box._said.value and '<pre' in box._said.value")
    assert printed(kernel, "print(len(box.given), state.busy, state.layout.display)") == "1 False none"


def test_stop_ends_an_endless_answer_and_the_kernel_answers(kernel: BlockingKernelClient) -> None:
    begin(kernel, 60, "print('so far')\nwhile True: pass")
    until(kernel, "state.layout.display != 'none' and ' s<' in state._time.value")  # and the kernel is free
    assert "Your code is running." in printed(kernel, "print(state._said.value)")
    click(kernel, "check")  # once more does nothing
    time.sleep(1)
    click(kernel, "state.stop_button")
    until(kernel, "'You stopped your code after' in box._said.value")
    said = printed(kernel, "print(box._said.value)")
    assert "in line 3" in said
    assert "so far" in said
    assert printed(kernel, "print(box.given, state.layout.display)") == "[] none"
    assert printed(kernel, "print(box.check(kind.key))") == "Yes. Twice."


def test_the_limit_ends_what_nobody_stops(kernel: BlockingKernelClient) -> None:
    begin(kernel, 1, "while True: pass")
    until(kernel, "'was still running after 1 s' in box._said.value")
    assert printed(kernel, "print(len(box.given))") == "1"


def test_another_question_ends_the_answer_to_this_one(kernel: BlockingKernelClient) -> None:
    begin(kernel, 60, "while True: pass")
    until(kernel, "state.layout.display != 'none'")
    printed(kernel, "box.another()")
    until(kernel, "not state.busy")
    assert printed(kernel, "print(box._said.value == '', box.given)") == "True []"


def test_an_interrupt_of_the_cell_ends_the_answer(kernel: BlockingKernelClient) -> None:
    begin(kernel, 60, "return x")
    code = "import threading, _thread\nthreading.Timer(1, _thread.interrupt_main).start()\n"
    code += "try: box.check(source('while True: pass'))\nexcept KeyboardInterrupt: print('interrupted')"
    assert printed(kernel, code) == "interrupted"
    assert printed(kernel, "print(box.check(kind.key))") == "Yes. Twice."
