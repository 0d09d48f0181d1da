"""Answers in code: how they are run, what is said, what they print; and the process that runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lessons.hostile_code import DOUBLE, LIMITS, job, limits_for, source
from tests.sampling import sample
from thplab.lessons.catalogue import ask, make
from thplab.lessons.kinds.coding import LONGEST, Attempt, Code
from thplab.lessons.kinds.simple import AnswerError
from thplab.lessons.trial import inside, process, run
from thplab.lessons.trial.bench import Bench
from thplab.lessons.trial.job import Limits, Outcome
from thplab.lessons.trial.printed import readable
from thplab.lessons.trial.run import NoProcess, Run
from thplab.lessons.trial.trial import Trial

QUICK = replace(DOUBLE, limits=LIMITS)


def read(text: str) -> Attempt:
    """The body of a function, or all of a source, as it is read."""
    return replace(DOUBLE, limits=limits_for(text)).read(source(text))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("return x + x", ""),
        ("return x", "f(1) gives 1; it should be 2."),
        (
            "y = []\nreturn y[x]",
            'Line 3 of your code, "return y[x]", raised IndexError: list index out of range.',
        ),
        ("return 2 * y", "raised NameError: name 'y' is not defined"),
        ("!y = 1 / 0\ndef f(x): return x", 'Line 1 of your code, "y = 1 / 0", raised ZeroDivisionError'),
        (
            "!from dataclasses import dataclass\n@dataclass\nclass A:\n  y: int\ndef f(x): return A(2 * x).y",
            "",
        ),
        (
            "!def g(x): return 1 / 0\ndef f(x):\n  return g(x)",
            'Line 1 of your code, "def g(x): return 1 / 0"',
        ),
    ],
)
def test_code_is_run_and_its_faults_said_in_words(text: str, fault: str) -> None:
    attempt = read(text)
    assert fault in attempt.fault
    assert QUICK.accepts(attempt) is (fault == "")


def test_what_is_too_long_is_not_even_run() -> None:
    with pytest.raises(AnswerError, match=f"{LONGEST + 1} lines; {LONGEST} are enough"):
        QUICK.read("def f(x):\n" + "    x += 1\n" * LONGEST)
    with pytest.raises(AnswerError, match="characters"):
        QUICK.read(f"def f(x): return '{'y' * 20_000}'")


def test_each_question_with_code_takes_its_example_and_refuses_its_template() -> None:
    for question in map(make, ("06.fairer", "07.code", "08.isolate")):
        assert isinstance(question.kind, Code)
        assert question.judge(question.kind.example).right is True
        assert question.judge(question.kind.template).right is False


def test_values_of_a_wrong_type_are_told_as_they_are() -> None:
    fairer = make("06.fairer")
    for value in ("[1]", "10 ** 5000", "'c'"):
        verdict = fairer.judge(f"def next_slot(names, last):\n  return {value}")
        assert verdict.right is False
        assert "next_slot returned" in verdict.message
        assert "on the list are a, b." in verdict.message
    stop = make("07.code")
    for value in ("True", "1.0", "'1'", "[]", "float('nan')"):
        assert "yours says" in stop.judge(f"def stop(pages, limit):\n  return {value}").message
    isolate = make("08.isolate")
    for value in ("'yes'", "[1]", "window", "(p for p in window)"):
        assert "It returned" in isolate.judge(f"def isolate(window):\n  return {value}").message
    changed = isolate.judge("def isolate(window):\n  window.clear()\n  return True")
    assert "Page 0 is not isolated" in changed.message
    pinned = isolate.judge("def isolate(window):\n  window[0].pinned = False\n  return True")
    assert "AttributeError" in pinned.message


# What it prints.


def test_what_code_prints_is_kept_with_the_answer_and_bounded() -> None:
    right = QUICK.read(source("print('<b>', x)\nreturn 2 * x"))
    assert right == Attempt(right.source, "", "<b> 1\n<b> 2\n<b> 5")
    much = QUICK.read(source("print('y' * 10 ** 6)\nreturn 2 * x"))
    assert much.printed == "y" * 100 + "\n... (it printed more than is shown here)"
    assert much.fault == ""
    odd = QUICK.read(
        source("import sys, os\nprint('\\x1b[31m\\ud800', file=sys.stderr)\nos.write(1, b'\\xff')")
    )
    assert odd.printed.startswith("\\x1b[31m\\ud800\n\N{REPLACEMENT CHARACTER}")
    ended = replace(DOUBLE, limits=Limits(seconds=3)).read(source("print('so far')\nwhile True: pass"))
    assert ended.printed == "so far"
    thread = QUICK.read(
        source("import threading as t\na = t.Thread(target=lambda: 1 / 0); a.start(); a.join(); return 2 * x")
    )
    assert thread.printed.startswith('Line 3 of your code, "a = t.Thread')
    assert "Traceback" not in thread.printed


def test_what_is_printed_is_shown_as_text_in_the_box_and_in_its_text_form() -> None:
    box = ask("07.code")
    said = box.check("def stop(pages, limit):\n  print('<img src=x onerror=y>', limit)\n  return 99")
    assert said.count("Your code printed:") == 1
    assert "<img src=x onerror=y>" in said
    assert "<img" not in box._said.value
    assert "&lt;img src=x onerror=y&gt;" in box._said.value
    assert "Your code printed:\n<img" in box.text()


@pytest.mark.parametrize("most", [10, 11, 12])
def test_only_what_is_longer_is_cut(most: int) -> None:
    shown = readable("ααααααααααα\n".encode(), most)
    assert shown == "α" * most + "\n... (it printed more than is shown here)" if most < 11 else "α" * 11


# The process.


@pytest.fixture(params=[True, False], ids=["forks", "once"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(request.param)
    yield bench
    bench.close()


def test_answers_go_on_after_each_end(bench: Bench) -> None:
    """Right, wrong, crashed, ended by the clock, and right again: forked or in a process for each."""
    for text, fault in (
        ("print(x); return 2 * x", ""),
        ("return x", "f(1) gives 1"),
        ("import ctypes; ctypes.string_at(0)", "made Python crash" if os.name == "posix" else "ended Python"),
        ("while True: pass", "was still running after 0.6 s"),
        ("return sum(iter(int, 1))", "was still running after 0.6 s"),
        ("import builtins; builtins.len = None", "replaced Python's own len"),
        ("print(x); return 2 * x", ""),
    ):
        outcome = bench.run(Run(job(text)))
        assert fault in outcome.words
        assert (outcome.words == "") is (fault == "")
        assert outcome.printed == ("1\n2\n5" if "print" in text else "")
    assert not outcome.words


@pytest.mark.parametrize(
    "text", ["while True: pass", "return sum(iter(int, 1))", "import time; time.sleep(99)"]
)
def test_stop_ends_it_and_names_the_line(bench: Bench, text: str) -> None:
    trial = Run(job(text, Limits(seconds=60)))
    said: list[Outcome] = []
    thread = threading.Thread(target=lambda: said.append(bench.run(trial)))
    thread.start()
    while trial.begun is None:
        time.sleep(0.01)
    time.sleep(0.3)
    begin = time.monotonic()
    trial.stop()
    thread.join(20)
    assert time.monotonic() - begin < 10
    assert not said[0].tried
    assert said[0].words.startswith("You stopped your code after ")
    assert ("in line 2" in said[0].words) or not bench._forks
    assert bench.run(Run(job("return 2 * x"))).words == ""


def test_stop_before_it_has_begun() -> None:
    bench = Bench()
    trial = Run(job("return 2 * x"))
    trial.stop()
    assert bench.run(trial).words == "You stopped your code before it began."
    assert bench.run(Run(job("return 2 * x"))).words == ""
    bench.close()


def test_the_reader_is_told_that_a_stop_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Outcome("You stopped your code after 1.0 s.", valid=False, tried=False)
    monkeypatch.setattr(Trial, "result", lambda self: stopped)
    box = ask("07.code")
    assert box.check(box.question.kind.key) == "You stopped your code after 1.0 s."
    assert box.given == []


def group_of(pid: int) -> list[int]:
    """The processes that are alive in the groups of a session."""
    alive = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            fields = (each / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == pid and fields[0] not in "ZX":
            alive.append(int(each.name))
    return alive


def gone(pid: int) -> bool:
    """Do they end soon?"""
    end = time.monotonic() + 20
    while group_of(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not group_of(pid)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@needs_proc
def test_nothing_is_left_of_a_bench_that_was_closed(bench: Bench) -> None:
    assert bench.run(Run(job("return 2 * x"))).words == ""
    assert bench._process is not None
    home, pid = bench._process.home, bench._process._process.pid
    assert group_of(pid)
    bench.close()
    assert not home.exists()
    assert gone(pid)
    with pytest.raises(ChildProcessError):  # no zombie: it has been waited for
        os.waitpid(pid, os.WNOHANG)


@needs_proc
def test_an_interrupt_of_the_cell_ends_the_code() -> None:
    bench = Bench()
    trial = Run(job("while True: pass", Limits(seconds=60)))

    def interrupt() -> None:
        while trial.begun is None:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    bench.warm(job("return 2 * x"))
    assert bench._process is not None
    pid = bench._process._process.pid
    threading.Thread(target=interrupt).start()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            bench.run(trial)
    finally:
        signal.signal(signal.SIGINT, before)
    assert gone(pid)
    assert bench.run(Run(job("return 2 * x"))).words == ""
    bench.close()


@needs_proc
def test_a_server_that_dies_leaves_no_run_behind() -> None:
    bench = Bench()
    trial = Run(job("import time; time.sleep(99)"))

    def kill() -> None:
        while trial.begun is None:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)

    bench.warm(job("return 2 * x"))
    assert bench._process is not None
    pid = bench._process._process.pid
    threading.Thread(target=kill).start()
    bench.run(trial)
    assert gone(pid)
    assert bench.run(Run(job("return 2 * x"))).words == ""
    bench.close()


_KERNEL = """
import sys, threading, time
sys.path[:0] = {path!r}
from tests.lessons.hostile_code import job
from thplab.lessons.trial.bench import Bench
from thplab.lessons.trial.job import Limits
from thplab.lessons.trial.run import Run
bench, run = Bench({forks}), Run(job({text!r}, Limits(seconds=60)))
def tell():
    while run.begun is None: time.sleep(0.01)
    print(bench._process._process.pid, bench._process.home, flush=True)
threading.Thread(target=tell).start()
bench.run(run)
"""


@needs_proc
@pytest.mark.parametrize("text", ["while True: pass", "import time; time.sleep(99)"])
@pytest.mark.parametrize("forks", [True, False])
def test_a_kernel_that_is_killed_takes_its_answers_along(text: str, forks: bool) -> None:
    code = _KERNEL.format(path=sys.path, text=text, forks=forks)
    kernel = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert kernel.stdout
    pid, home = kernel.stdout.readline().split()
    assert group_of(int(pid))
    kernel.kill()
    kernel.wait()
    assert gone(int(pid))
    assert not Path(home).exists()
    kernel.stdout.close()


def test_an_answer_that_writes_a_false_verdict_by_mistake_is_not_taken() -> None:
    for text in (
        "{}",
        "[]",
        '{"words": "", "valid": 1}',
        '{"words": 1, "valid": true}',
        "[" * 10**5,
        "\xff",
        "",
    ):
        assert Outcome.from_json(text.encode("latin-1")) is None
    assert Outcome.from_json(Outcome("so", False).to_json().encode()) == Outcome("so", False)


def test_a_checker_that_another_process_cannot_find_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="write it as a function of a module"):
        replace(DOUBLE, checker=lambda function: "")


# Where there is no process.


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Attempt]]:
    """Reads an answer where no process can be started."""

    def none(*_: object, **__: object) -> None:
        raise OSError("none here")

    monkeypatch.setattr(process.subprocess, "Popen", none)
    bench = Bench()
    monkeypatch.setattr("thplab.lessons.kinds.coding.warm", bench.warm)
    monkeypatch.setattr("thplab.lessons.trial.trial.BENCH", bench)
    yield read
    assert not list(Path(tempfile.gettempdir()).glob("thplab-answers-*/room"))


def test_without_processes_it_says_what_cannot_be_stopped(alone: Callable[[str], Attempt]) -> None:
    box = ask("07.code")
    assert any(inside.NOTE in getattr(each, "value", "") for each in box.field.children)
    assert box.check(box.question.kind.key).startswith("Yes.")


INSIDE = {
    "while True: pass": "was still running",
    "while True:\n  x += 1": "was still running",
    "exec('while True: pass')": "was still running",
    "import sys; sys.settrace(None)\nwhile True: pass": "was still running",
    "def g(): yield from iter(int, 1)\nfor y in g(): pass": "was still running",
    "import os; os._exit(3)": "asked Python to end",
    "import sys; sys.exit(3)": "asked Python to end",
    "input()": "waited for input",
    "import builtins; builtins.len = None\nreturn 1 / 0": "replaced Python's own len",
    "import builtins; vars(builtins).clear()": "replaced Python's own",
    "import sys; sys.stdout = sys.stdin = None; sys.modules.clear()\nreturn 1 / 0": "ZeroDivisionError",
    "import os, gc, time; os.chdir('/'); os.environ.clear(); gc.disable(); del time.sleep": "gives None",
    "import thplab.words; vars(thplab.words).clear()": "gives None",
    "print(x); return x": "f(1) gives 1",
    "raise KeyboardInterrupt": "raised KeyboardInterrupt",
    "return f(x)": "called itself too often",
    "return 2 * x": "",
}


if sys.version_info >= (3, 12):
    INSIDE["while True:\n  try:\n    while True: pass\n  except BaseException: 0"] = "was still running"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(each, marks=[] if each in sample(list(INSIDE), 6) else [pytest.mark.long])
        for each in INSIDE
    ],
)
def test_without_processes_most_is_ended_and_put_back(alone: Callable[[str], Attempt], text: str) -> None:
    from tests.lessons.test_hostile_code import state

    alone("return x")
    before = state()
    attempt = alone(text)
    assert state() == before
    assert INSIDE[text] in attempt.fault
    assert (attempt.fault == "") is (INSIDE[text] == "")
    assert attempt.printed == ("1" if "print" in text else "")


@pytest.mark.parametrize("deep", ["-", "not ", "lambda: ", "~"])
def test_without_processes_a_deep_expression_does_not_even_reach_the_parser(
    alone: Callable[[str], Attempt], deep: str
) -> None:
    """In a browser it is the end of Python: its stack is small."""
    with pytest.raises(AnswerError, match="too many operators"):
        alone(f"return {deep * 600}1")
    assert alone(f"return {'-' * 60}1").fault


def test_a_process_that_ends_at_once_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_BOOT", "pass")
    bench = Bench()
    with pytest.raises(NoProcess):
        bench.run(Run(job("return 2 * x")))
    bench.close()


def test_a_process_that_never_begins_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_BOOT", "import time; time.sleep(99)")
    monkeypatch.setattr(run, "_START", 0.3)
    bench = Bench()
    outcome = bench.run(Run(job("return 2 * x")))
    assert not outcome.valid
    assert "has not started for your code within 0.3 s" in outcome.words
    bench.close()
