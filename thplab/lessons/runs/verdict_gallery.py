"""Every result of enum scan_result of one kernel: a run that leads to it, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from errno import errorcode
from functools import cache

from thplab import points
from thplab.kernels import ScanResult, profile
from thplab.lessons.runs.by_result import BY_RESULT, NOT_REACHED
from thplab.phases import ISOLATE, PHASES, PUBLISH, STEPS
from thplab.reading.text import TextTwin
from thplab.reading.window import Window
from thplab.recording import Recording, record_scenario
from thplab.recording.story.windows import sentence_of
from thplab.scenario import Scenario, run_scenario
from thplab.table import Table

_LOOK, _DECIDE = STEPS[1:3]

#: The function that returned the result -> the step at which that is; of scan_pmd see below.
_STEP_OF = {
    **{point.name: phase.step for phase in PHASES for point in (phase.begins, phase.ends) if point},
    points.COLLAPSE.name: PUBLISH.step,
}

#: MADV_COLLAPSE has, or then gets, what it was asked for.
_NO_FAILURE = (ScanResult.SUCCEED, ScanResult.PMD_MAPPED, ScanResult.PTE_MAPPED_HUGEPAGE)


@dataclass(frozen=True)
class Evidence:
    """A run that leads to the result: ``moment`` is that of the verdict.

    ``step``: of the scan or of the collapse; ``entry``: the index of the entry that decided, -1 if none did.
    """

    recording: Recording
    moment: int
    step: str
    entry: int
    sentence: str
    trace_line: str

    @property
    def window(self) -> Window | None:
        """The window at the verdict; None if nobody has it any more."""
        return TextTwin(self.recording).window(self.moment)

    @property
    def where(self) -> str:
        """The step, and the entry if one decided."""
        return self.step if self.entry < 0 else f"{self.step}, at entry {self.entry}"


@dataclass(frozen=True)
class Exhibit:
    """A result under a kernel. ``scenario``: leads to it; None: ``why_not`` says why there is none."""

    result: ScanResult
    kernel: str
    scenario: Scenario | None
    why_not: str

    @property
    def errno(self) -> str:
        """What MADV_COLLAPSE returns if this was its last failure."""
        if self.result in _NO_FAILURE:
            return "0"
        return errorcode[profile(self.kernel).errno(self.result)]

    @property
    def transient(self) -> bool:
        """Does the kernel hold that another try may do (EAGAIN)?"""
        return self.errno == "EAGAIN"

    @property
    def evidence(self) -> Evidence | None:
        """The run, recorded call by call."""
        return None if self.scenario is None else _evidence(self.result, self.kernel, "functions")

    @property
    def line_by_line(self) -> Evidence | None:
        """The same run, recorded line by line: for a stage."""
        return None if self.scenario is None else _evidence(self.result, self.kernel, "lines")

    @property
    def under_collapse(self) -> str:
        """What MADV_COLLAPSE of the same window returns: ``0``, or an errno; empty without a scenario."""
        return "" if self.scenario is None else _under_collapse(self.result, self.kernel)


def exhibits(kernel: str = "6.18") -> tuple[Exhibit, ...]:
    """All results of a kernel, in the order of its enum. ValueError for an unknown kernel."""
    return tuple(
        Exhibit(result, kernel, BY_RESULT.get(result), NOT_REACHED.get(result, ""))
        for result in profile(kernel).results
    )


def exhibit(status: str, kernel: str = "6.18") -> Exhibit:
    """The result with this word. ValueError if the kernel has no such result."""
    for each in exhibits(kernel):
        if each.result.value == status:
            return each
    raise ValueError(f"Linux {kernel} has no result {status!r}; see gallery_table({kernel!r})")


@cache
def _evidence(result: ScanResult, kernel: str, depth: str) -> Evidence:
    recording = record_scenario(BY_RESULT[result], kernel, depth)
    event = _deciding_event(recording, result.value)
    line = recording.header["trace"][recording.moment(event).trace_lines - 1]
    last = recording.header["trace"][_last_line_with(recording, result.value)]["text"].strip()
    if line["event"].endswith("_file"):
        step = ISOLATE.step if _asked_for_memory(recording, event) else _LOOK
        return Evidence(recording, event, step, -1, sentence_of(result), last)
    moment = _verdict(recording, event, line["event"])
    function = recording.moment(moment).function
    step, entry = _STEP_OF.get(function, _DECIDE), -1
    if function == points.SCAN.name:
        read = recording.state(moment).path("khugepaged.collapse_control.ptes_read")
        whole = result in (ScanResult.LACK_REFERENCED_PAGE, ScanResult.PAGE_RO)
        step, entry = (_DECIDE, -1) if whole else (_LOOK, read - 1)
    return Evidence(recording, moment, step, entry, recording.sentence(moment), last)


def _deciding_event(recording: Recording, status: str) -> int:
    """The first trace line that has the result, as a moment. LookupError if the run never gets it."""
    moment: int | None = 0
    while moment is not None:
        moment = recording.find("event", moment)
        if moment is not None and _has(recording, recording.moment(moment).trace_lines - 1, status):
            return moment
    raise LookupError(f"{recording!r} never says {status}")


def _has(recording: Recording, line: int, status: str) -> bool:
    fields = recording.header["trace"][line]["fields"]
    return str(fields.get("status", fields.get("result"))) == status


def _last_line_with(recording: Recording, status: str) -> int:
    """The line of the scan, which is printed last of an attempt."""
    lines = range(len(recording.header["trace"]))
    scans = [n for n in lines if "_scan_" in recording.header["trace"][n]["event"]]
    return next(n for n in scans if _has(recording, n, status))


def _asked_for_memory(recording: Recording, event: int) -> bool:
    """Did the attempt at a file's window that ends at ``event`` come so far?"""
    asked = recording.find("verdict", event, forwards=False, name=points.ALLOCATE)
    earlier = recording.find("event", event, forwards=False, name="mm_khugepaged_scan_file")
    return asked is not None and asked > (earlier or 0)


def _verdict(recording: Recording, event: int, name: str) -> int:
    """The return of the function that came to the result printed at ``event``."""
    if _succeeded(recording, event):
        return recording.find("verdict", event, name=points.COLLAPSE) or event
    before = name == "mm_collapse_huge_page"
    moment = recording.find("verdict", event, forwards=not before)
    if moment is None:
        raise LookupError(f"no verdict stands beside moment {event} of {recording!r}")
    return moment


def _succeeded(recording: Recording, event: int) -> bool:
    return _has(recording, recording.moment(event).trace_lines - 1, ScanResult.SUCCEED.value)


@cache
def _under_collapse(result: ScanResult, kernel: str) -> str:
    raw = BY_RESULT[result].raw
    *before, last = raw["steps"] if "steps" in raw else [raw["action"]]
    intruders = {"intruders": last["intruders"]} if "intruders" in last else {}
    step = {"type": "madvise_collapse", "ranges": [[0, 512]], **intruders}
    changed = {key: value for key, value in raw.items() if key != "action"}
    answer = run_scenario(Scenario.from_data({**changed, "steps": [*before, step]}), kernel)
    return str(answer["steps"][-1]["calls"][0]["errno"])


def gallery_table(kernel: str = "6.18") -> Table:
    """A line for each result of a kernel; those that no run here reaches say why."""
    rows = []
    for each in exhibits(kernel):
        seen = each.evidence
        told = (seen.where, seen.sentence) if seen else ("not reached", f"{each.why_not}.")
        again = "yes" if each.transient else ""
        rows.append((each.result.constant, *told, each.errno, each.under_collapse, again))
    heads = ("result", "step", "what the run says", "errno", "MADV_COLLAPSE of this window", "try again")
    return Table.of(
        heads,
        rows,
        f"All results of Linux {kernel}. errno: what MADV_COLLAPSE returns if this was its last failure. "
        "The limits "
        "and the accessed marks do not bind MADV_COLLAPSE, so that some of these windows become huge by "
        "it: 0.",
    )
