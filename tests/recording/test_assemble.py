"""The header: what a view needs to know besides the columns."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from thplab import mm
from thplab.recording import Recording
from thplab.recording.assemble import _kernel_file


def test_each_function_names_the_kernels_file(note: Recording) -> None:
    files = {function["name"]: function["kernel_file"] for function in note.header["functions"]}
    assert files["scan_pmd"] == files["collapse_huge_page"] == "mm/khugepaged.c"
    assert files["__collapse_huge_page_copy"] == "mm/khugepaged.c"
    assert files["__alloc_pages"] == "mm/page_alloc.c"
    assert files["do_madvise"] == "mm/madvise.c"
    assert files["thp_vma_allowable_order"] == "mm/huge_memory.c"
    assert files["thp_vma_suitable_order"] == "include/linux/huge_mm.h"
    assert files["down_write"] == ""  # stands for locks of several kinds


#: Modules that mirror no file of the kernel, or several.
OURS = {
    "__init__", "include.__init__", "include.errors", "include.geometry", "include.kernel",
    "include.khugepaged", "include.knobs", "include.lock", "include.state", "include.sysctl", "mmu",
    "proc.__init__", "proc.sysctl", "proc.vm", "sysfs", "trace", "userfaultfd",
}  # fmt: skip


def test_the_first_line_of_every_module_names_the_kernels_file() -> None:
    """It is printed on the stage; a module without one is listed above."""
    model = Path(mm.__file__).parent
    unnamed = {
        ".".join(path.relative_to(model).with_suffix("").parts)
        for path in model.rglob("*.py")
        if not _kernel_file(f"thplab/mm/{path.relative_to(model).as_posix()}")
    }
    assert unnamed <= OURS


def test_a_source_that_is_shown_is_the_file_that_ran(note: Recording) -> None:
    for source in note.header["sources"]:
        module = import_module(source["file"].removesuffix(".py").replace("/", "."))
        with open(module.__file__, encoding="utf-8") as file:
            assert source["text"] == file.read()


def test_no_function_is_called_for_every_entry_but_the_one_that_frees(calls: Recording) -> None:
    """A view of calls would drown; readers of bits and bookkeeping are not recorded."""
    counts: dict[str, int] = {}
    for number in range(len(calls)):
        moment = calls.moment(number)
        if moment.kind == "call":
            counts[moment.function] = counts.get(moment.function, 0) + 1
    assert {name for name, count in counts.items() if count >= 512} == {"__free_pages"}


def test_the_focus_is_the_first_window(note: Recording) -> None:
    focus = note.header["focus"]
    assert focus["address"] == "140576452247552"
    assert note.header["objects"][focus["mm"]]["type"] == "Mm"


def test_the_phases_of_a_collapse_have_the_number_that_they_have_everywhere(note: Recording) -> None:
    functions = note.header["functions"]
    begun = [each["phase"] for each in functions if each["phase"]]
    assert list(dict.fromkeys(begun)) == [
        "look, decide", "1 get memory", "2 re-check", "3 fence", "4 isolate", "5 copy", "6 free", "7 publish",
    ]  # fmt: skip
