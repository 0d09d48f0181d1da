"""From what a recorder collected to the header and the columns of a recording."""

from __future__ import annotations

import re
from array import array
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import thplab
from thplab.mm.include.page import PAGE_FLAGS
from thplab.mm.include.vm_event_item import EVENTS
from thplab.phases import PHASES
from thplab.recording.cells import ABSENT
from thplab.recording.derive import derive
from thplab.recording.render import gdb_value
from thplab.recording.story import Template
from thplab.recording.tracer import FunctionInfo

if TYPE_CHECKING:
    from thplab.recording.recorder import Recorder

#: The kernel's file, as the first line of each module of the model names it.
_KERNEL_FILE = re.compile(r"\b(?:arch|fs|include|kernel|mm)/[\w/-]+\*?\.[ch]\b")

#: What a function begins -> the phase of a collapse, as texts call it.
_PHASE_OF = {phase.begins.code: phase.step for phase in PHASES}

_ROOT = Path(thplab.__file__).parent.parent


def assemble(recorder: Recorder) -> tuple[dict[str, Any], dict[str, array[Any]]]:
    """Header and sections, as docs/recording-format.md describes them."""
    described, frames = _frames(recorder)
    ledger, paid = _ledger(recorder)
    header = {**_description(recorder), **described, "ledger": ledger}
    told, sentences = _told(recorder)
    header |= told
    sections = _state_sections(recorder) | recorder.moments() | _local_sections(recorder) | frames | paid
    sections |= sentences
    more, derived = derive(header, sections)
    return header | more, sections | derived


def _description(r: Recorder) -> dict[str, Any]:
    cells, geometry = r.journal.cells, r.kernel.geometry
    return {
        "title": r.title,
        "story": r.story,
        "scenario": r.scenario,
        "kernel": r.kernel.profile.name,
        "depth": r.depth,
        "thplab": thplab.__version__,
        "geometry": {
            "entries": geometry.PTRS_PER_PTE, "page_shift": geometry.PAGE_SHIFT,
            "pmd_shift": geometry.PMD_SHIFT, "pud_shift": geometry.PUD_SHIFT,
            "pgdir_shift": geometry.PGDIR_SHIFT,
        },
        "names": list(r.tracer.names),
        "values": cells.table.values,
        "tasks": [{"comm": comm, "pid": pid} for comm, pid in r.tasks],
        "objects": [
            {"id": o.id, "type": o.type, "label": o.label, "fields": o.fields, "base": o.base, "maps": o.maps}
            for o in cells.objects
        ],
        "columns": [
            {
                "label": c.label, "typecode": c.typecode, "length": c.length, "base": c.base,
                "table_page": c.table_page,
            }
            for c in cells.columns
        ],
        "vmstat": EVENTS,
        "page_flags": PAGE_FLAGS,
        "trace": [
            {"text": event.text(), "event": event.name, "fields": dict(event.fields)}
            for event in r.kernel.tracing.events[r.first_event :]
        ],
        "focus": _focus(r),
        "steps": r.steps,
        "intruders": r.intruders,
    }  # fmt: skip


def _ledger(r: Recorder) -> tuple[dict[str, Any] | None, dict[str, array[Any]]]:
    """What steps cost, if somebody said so: who and which step by number, in the order of the moments."""
    if r.payer is None:
        return None, {}
    steps, parties = r.payer.steps, list(dict.fromkeys(paid[1] for paid in r.paid))
    header = {"parties": parties, "steps": steps, "source": r.payer.source}
    sections: dict[str, array[Any]] = {
        "b_moment": array("I", (paid[0] for paid in r.paid)),
        "b_party": array("H", (parties.index(paid[1]) for paid in r.paid)),
        "b_step": array("H", (steps.index(paid[2]) for paid in r.paid)),
        "b_count": array("I", (paid[3] for paid in r.paid)),
        "b_ns": array("d", (paid[4] for paid in r.paid)),
        "b_locked": array("B", (paid[5] for paid in r.paid)),
    }
    return header, sections


def _told(r: Recorder) -> tuple[dict[str, Any], dict[str, array[Any]]]:
    """What is told: templates and texts once, and for each sentence its moment, template and values."""
    names: dict[Template, dict[str, None]] = {}
    for _, told in r.told:
        names.setdefault(told.template, {}).update(dict.fromkeys(told.values))
    texts: dict[str, int] = {}
    ends, kinds, values = array("I"), array("B"), array("I")
    for _, told in r.told:
        for name in names[told.template]:
            value = told.values.get(name)
            kinds.append(ABSENT if value is None else isinstance(value, str))
            values.append(texts.setdefault(value, len(texts)) if isinstance(value, str) else value or 0)
        ends.append(len(values))
    numbers = {template: number for number, template in enumerate(names)}
    header = {
        "templates": [
            {"kind": each.kind, "text": each.text, "rank": each.rank.value, "names": list(names[each])}
            for each in names
        ],
        "texts": list(texts),
    }
    sections = {
        "t_moment": array("I", (moment for moment, _ in r.told)),
        "t_template": array("H", (numbers[told.template] for _, told in r.told)),
        "t_values_end": ends, "v_kind": kinds, "v_value": values,
    }  # fmt: skip
    return header, sections


def _focus(r: Recorder) -> dict[str, Any] | None:
    if r.focus is None:
        return None
    mm, address = r.focus
    return {"mm": r.journal.cells.object(mm).id, "address": str(address)}


def _state_sections(r: Recorder) -> dict[str, array[Any]]:
    cells, journal = r.journal.cells, r.journal
    return {
        "cell_kind": cells.kind, "cell_lo": cells.lo, "cell_hi": cells.hi,
        "c_cell": journal.cell, "c_kind": journal.kind, "c_lo": journal.lo, "c_hi": journal.hi,
    }  # fmt: skip


def _local_sections(r: Recorder) -> dict[str, array[Any]]:
    tracer = r.tracer
    return {"l_name": tracer.l_name, "l_kind": tracer.l_kind, "l_lo": tracer.l_lo, "l_hi": tracer.l_hi}


def _frames(r: Recorder) -> tuple[dict[str, Any], dict[str, array[Any]]]:
    """Functions, sources, and for each frame its kernel labels and the line it was called from."""
    tracer = r.tracer
    labels: list[tuple[tuple[str, str], ...]] = []
    known: dict[tuple[tuple[str, str], ...], int] = {}
    f_labels = array("I")
    for number, function in enumerate(tracer.f_function):
        parent = tracer.f_parent[number]
        caller = tracer.functions[tracer.f_function[parent - 1]].name if parent else None
        chain = _labels(r, tracer.functions[function], caller, tracer.f_args[number])
        if chain not in known:
            known[chain] = len(labels)
            labels.append(chain)
        f_labels.append(known[chain])
    shown = sorted({info.file for info in tracer.functions if info.lines})
    header = {
        "functions": [
            {
                "name": f.name,
                "file": f.file,
                "line": f.line,
                "kernel_file": _kernel_file(f.file),
                "phase": _PHASE_OF.get(f.code, ""),
            }
            for f in tracer.functions
        ],
        "sources": [
            {"file": file, "kernel_file": _kernel_file(file), "text": _source(file)} for file in shown
        ],
        "labels": labels,
    }
    sections = {
        "f_function": tracer.f_function, "f_parent": tracer.f_parent, "f_labels": f_labels,
        "f_call_line": tracer.f_call_line,
    }  # fmt: skip
    return header, sections


@cache
def _source(file: str) -> str:
    return (_ROOT / file).read_text("utf-8")


def _kernel_file(file: str) -> str:
    found = _KERNEL_FILE.search(_source(file).partition("\n")[0])
    return found[0].replace("*", "") if found else ""


def _labels(
    r: Recorder, function: FunctionInfo, caller: str | None, args: dict[str, Any]
) -> tuple[tuple[str, str], ...]:
    """The kernel frames a call stands for: (name, arguments as gdb prints them)."""
    start_pfn = r.kernel.mem_map.start_pfn
    return tuple(
        (
            frame.name,
            ", ".join(
                f"{name}={gdb_value(name, args[ours], start_pfn)}"
                for name, ours in frame.args.items()
                if ours in args
            ),
        )
        for frame in r.kernel.profile.frames(function.name, caller, function.params)
    )
