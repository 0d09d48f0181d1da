"""Backtraces are read as gdb means them; numbers in them are taken apart as the hardware does."""

from __future__ import annotations

import pytest

from thplab.lessons.runs.compare import beside, model_backtrace, two_roads
from thplab.lessons.runs.decode import decode_gfp, decode_page, page_pfn, split_address, table_indices
from thplab.lessons.runs.gdb import GdbFrame, load_backtrace, parse_backtrace
from thplab.recording import record_scenario


def test_the_note_line_by_line() -> None:
    note = load_backtrace()
    assert [frame.number for frame in note] == list(range(10))
    assert [frame.name for frame in note][:4] == [
        "prep_transhuge_page", "hpage_collapse_alloc_page", "alloc_charge_hpage", "collapse_huge_page",
    ]  # fmt: skip
    assert note[3].args["referenced"] == "512"
    assert note[3].args["cc"] == "0xffffffff82d75980 <khugepaged_collapse_control>"
    assert (note[9].file, note[9].line) == ("arch/x86/entry/entry_64.S", 308)


@pytest.mark.parametrize(
    ("source", "route", "inlined"),
    [
        # Which functions the compiler put into their callers, from the sources: static inline ones of
        # gfp.h and topology.h, and small static ones called once.
        (
            "note",
            "khugepaged",
            {"hpage_collapse_alloc_page", "khugepaged_scan_mm_slot", "khugepaged_do_scan"},
        ),
        ("6.1", "page fault", {"__folio_alloc_node", "create_huge_pmd", "handle_page_fault"}),
        ("6.12", "page fault", {"__alloc_pages_node_noprof", "create_huge_pmd", "handle_page_fault"}),
    ],
)
def test_the_line_without_address_has_swallowed_the_one_above(
    source: str, route: str, inlined: set[str]
) -> None:
    assert {frame.name for frame in load_backtrace(source, route) if frame.inlined} == inlined


def test_arguments_with_commas_entry_values_and_none_at_all() -> None:
    lines = [
        "#0  f (a=1, a@entry=2, b=b@entry=0x10 <x+8>, c=<optimized out>) at mm/a.c:7",
        "#1  0xffffffff81000000 in g () at mm/b.c:8",
        "#2  0x0000000000000000 in ?? ()",
        "(gdb) bt",
    ]
    assert parse_backtrace(lines) == [
        GdbFrame(0, "f", {"a": "1", "b": "0x10 <x+8>", "c": "<optimized out>"}, "mm/a.c", 7, False),
        GdbFrame(1, "g", {}, "mm/b.c", 8, False),
    ]


def test_a_stop_that_was_not_made_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"no backtrace of 'note' by 'page fault'; there are: 6\.1 by khugepaged"
    ):
        load_backtrace("note", "page fault")


def test_model_and_note_agree_frame_by_frame() -> None:
    table = beside(load_backtrace(), model_backtrace(record_scenario("note", "6.1", depth="functions")))
    assert table.column("gdb")[:8] == table.column("the model")[:8]
    assert table.column("the model")[8:] == ("not modelled", "not modelled")
    equal = " ".join(table.column("equal in both"))
    for each in ("page=0xffffea000d998000", "gfp=1844426", "address=140576452247552", "referenced=512",
                 "unmapped=0", "pages=4096"):  # fmt: skip
        assert each in equal
    assert "different" not in table.heads


def test_a_difference_is_shown() -> None:
    def frame(name: str, pages: str) -> GdbFrame:
        return GdbFrame(0, name, {"pages": pages, "mm": "0xffff0000"}, "mm/a.c", 1, False)

    table = beside([frame("f", "4096")], [frame("g", "512")])
    assert table.column("the model") == ("g (!)",)
    assert table.column("different") == ("pages: 4096 / 512",)


def test_two_roads_begin_alike() -> None:
    table = two_roads("6.1")
    assert table.rows[0] == ("prep_transhuge_page", "prep_transhuge_page")
    assert "khugepaged" in table.column("khugepaged, later")
    assert "handle_mm_fault" in table.column("page fault, now")


def test_an_address_splits_into_indices() -> None:
    # 0x7fda81800000, by hand: bits 47-39, 38-30, 29-21, 20-12
    assert table_indices(140576452247552) == {"PGD": 255, "PUD": 362, "PMD": 12, "PTE": 0}
    assert "first byte" in split_address(140576452247552).caption
    assert "byte 4,097 of its" in split_address(140576452247552 + 4097).caption
    assert split_address((1 << 47) - 1).column("index") == ("255", "511", "511", "511", "4095")


def test_a_struct_page_is_a_place_in_an_array() -> None:
    assert page_pfn(0xFFFFEA000D998000) == 0x366600
    assert "13.6 GiB" in str(decode_page(0xFFFFEA000D998000))
    assert "no huge page begins here" in str(decode_page(0xFFFFEA000D998040))
    with pytest.raises(ValueError, match="plus a multiple of 64"):
        page_pfn(0xFFFFEA000D998001)
    with pytest.raises(ValueError, match="is not"):
        page_pfn(0x1000)


def test_a_gfp_mask_bit_by_bit() -> None:
    table = decode_gfp(1844426)
    state = dict(zip(table.column("flag"), table.column(""), strict=True))
    assert state["__GFP_DIRECT_RECLAIM"] == "set"
    assert state["__GFP_KSWAPD_RECLAIM"] == "NOT set"
    values = [int(v, 16) for v, s in zip(table.column("value"), table.column(""), strict=True) if s == "set"]
    assert sum(values) == 1844426
    assert all(table.column("if it is set"))
