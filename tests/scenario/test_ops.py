"""What each op does to a process, and what it says when it can't be done."""

from __future__ import annotations

from typing import Any

import pytest

from thplab.machine import Machine
from thplab.scenario import Scenario, ScenarioError, ScenarioRun, run_scenario
from thplab.scenario.actor import Actor, token
from thplab.scenario.spec import perform

MMAP = {"op": "mmap", "start": 0, "pages": 512}
WRITE = {"op": "write", "pages": [[0, 512]]}


def run(*ops: dict[str, Any], **settings: Any) -> ScenarioRun:
    data = {"settings": settings, "ops": list(ops), "action": {"type": "none"}}
    return ScenarioRun(Scenario.from_data(data))


def actor(*ops: dict[str, Any], **settings: Any) -> Actor:
    return run(*ops, **settings).actors["a"]


def window(*ops: dict[str, Any], **settings: Any) -> str:
    return str(run(*ops, **settings).before["a"]["windows"][0])


def on(op: str, *pages: list[int], **others: Any) -> dict[str, Any]:
    return {"op": op, "pages": list(pages), **others}


def advise(advice: str, *pages: list[int]) -> dict[str, Any]:
    return {"op": "advise", "advice": advice, **({"pages": list(pages)} if pages else {})}


def test_tokens_differ_between_pages_and_generations() -> None:
    tokens = {token(page, gen) for page in range(600) for gen in range(3)}
    assert len(tokens) == 1800
    assert 0 not in tokens


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ([on("write", [3, 5])], ".3 p2 .507"),
        ([on("read", [3, 5])], ".3 z2 .507"),
        ([on("read", [0, 9]), on("write", [4, 5])], "z4 p1 z4 .503"),
        ([WRITE, on("munmap", [10, 20])], "p10 -10 p492"),
        ([WRITE, advise("dontneed", [1, 2])], "p1 .1 p510"),
        ([WRITE, advise("pageout", [0, 7])], "w7 p505"),
        ([WRITE, advise("normal")], "p512"),
        ([advise("populate_read", [0, 9])], "z9 .503"),
        ([WRITE, advise("guard_install", [0, 9]), advise("guard_remove", [0, 4])], ".4 w5 p503"),
        ([WRITE, {"op": "mremap", "from": [0, 100], "to": 300}], "-100 p412"),
        ([WRITE, {"op": "mremap", "from": [0, 100], "to": 300, "new_pages": 50}], "-100 p412"),
        ([WRITE, {"op": "mremap", "from": [0, 100], "to": 300, "dontunmap": True}], ".100 p412"),
        ([WRITE, {"op": "mlock"}, on("munlock", [0, 9]), advise("pageout", [0, 9])], "w9 p503"),
        ([{"op": "uffd_wp", "mode": "missing|wp"}, {"op": "uffd_unregister"}, WRITE], "p512"),
        ([WRITE, {"op": "fork"}], "s512"),
        ([WRITE, {"op": "fork"}, on("write", [0, 9])], "p9 s503"),
        ([WRITE, {"op": "fork"}, {"op": "kid", "ops": [on("write", [0, 9])]}], "p9 s503"),
        ([WRITE, {"op": "fork"}, {"op": "kid_exit"}], "p512"),
        (
            [WRITE, {"op": "fork", "id": "x"}, {"op": "fork", "id": "y"}, {"op": "kid_exit", "id": "x"}],
            "s512",
        ),
        ([advise("populate_write")], "p512"),
        ([WRITE, advise("guard_install", [5, 6])], "p5 w1 p506"),
        ([{"op": "mlock"}], "p512"),
        ([{"op": "mprotect", "prot": "r"}, {"op": "mlock"}], "z512"),
        ([advise("hugepage"), on("write", [0, 1])], "H512"),
        ([advise("hugepage"), on("read", [0, 1])], "Z512"),
        ([{"op": "set", "key": "use_zero_page", "value": 0}, advise("hugepage"), on("read", [0, 1])], "H512"),
        ([advise("hugepage"), {"op": "prctl_thp_disable"}, on("write", [0, 1])], "p1 .511"),
        ([{"op": "munmap"}, {"op": "mmap", "start": 0, "pages": 256, "locked": True}], "p256 -256"),
    ],
)
def test_what_the_photograph_shows(ops: list[dict[str, Any]], expected: str) -> None:
    assert window(MMAP, *ops) == expected


def test_without_pages_an_op_is_on_all_that_was_mapped() -> None:
    two = [MMAP, {"op": "mmap", "start": 1024, "pages": 256}]
    seen = run(*two, {"op": "write"})
    assert seen.before["a"]["windows"] == ["p512", "-512", "p256 -256"]


def test_pins_hold_a_reference_until_they_are_given_back() -> None:
    process = actor(MMAP, WRITE, on("pin", [7, 9]))
    (page,) = process.pins[7]
    assert process.machine.kernel.mem_map.refcount[page] == 2
    perform(process, on("unpin", [7, 8]))
    assert process.machine.kernel.mem_map.refcount[page] == 1
    perform(process, {"op": "unpin"})
    assert process.pins == {}


def test_clear_refs_makes_pages_old() -> None:
    for ops, referenced in (([], 512), ([{"op": "clear_refs"}], 0)):
        data = {"ops": [MMAP, WRITE, *ops, advise("hugepage")], "action": {"type": "khugepaged"}}
        events = run_scenario(Scenario.from_data(data))["steps"][0]["wakeups"][0]["events"]
        assert events[-1]["referenced"] == referenced


def test_refused_advice_is_logged_and_changes_nothing() -> None:
    process = actor(MMAP, WRITE, {"op": "mlock"}, advise("dontneed", [0, 4]))
    assert process.log == [{"op": "advise", "advice": "dontneed", "results": [[0, 4, -1, "EINVAL"]]}]
    assert process.verify()["ok"]


def test_advice_over_a_hole_is_logged_and_done_beside_it() -> None:
    process = actor(MMAP, WRITE, on("munmap", [4, 5]), advise("dontneed", [0, 9]))
    assert process.log[0]["results"] == [[0, 9, -1, "ENOMEM"]]
    assert process.process.read(process.address(8)) == 0
    assert process.verify()["ok"]


def test_prctl_is_logged() -> None:
    assert actor(MMAP, {"op": "prctl_thp_disable", "flags": 2}).log == [
        {"op": "prctl_thp_disable", "ret": 0, "errno": 0}
    ]


def test_a_process_may_allow_huge_pages_again() -> None:
    on_again = {"op": "prctl_thp_disable", "disable": False}
    ops = [MMAP, {"op": "prctl_thp_disable"}, on("write", [0, 1])]
    assert window(*ops, enabled="always") == "p1 .511"
    assert window(*ops[:2], on_again, on("write", [0, 1]), enabled="always") == "H512"


def test_refused_mremap_is_logged_and_changes_nothing() -> None:
    process = actor(MMAP, WRITE, {"op": "mremap", "from": [0, 600], "to": 1024})
    assert process.log == [{"op": "mremap", "errno": "EFAULT"}]
    assert process.verify()["checked"] == 512


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("kind", ["anon", "shared"])
def test_moved_pages_read_what_was_written(kind: str, stays: bool) -> None:
    move = {"op": "mremap", "from": [0, 512], "to": 1024, "dontunmap": stays}
    process = actor({**MMAP, "kind": kind}, WRITE, advise("free", [0, 4]), move)
    assert process.process.read(process.address(1024 + 7)) == token(7, 0)
    assert process.verify()["ok"]
    assert process.windows() == 3


def test_only_protected_pages_wait_for_a_handler() -> None:
    ops = [MMAP, WRITE, {"op": "uffd_wp", "protect": [[0, 2]]}, {"op": "uffd_wp", "unprotect": [[0, 1]]}]
    process = actor(*ops, on("write", [0, 1]))
    with pytest.raises(ScenarioError, match="write: EAGAIN"):
        perform(process, on("write", [1, 2]))
    perform(process, {"op": "uffd_unregister"})
    perform(process, on("write", [1, 2]))


@pytest.mark.parametrize(
    ("op", "words"),
    [
        (on("write", [600, 601]), "write: EFAULT: SIGSEGV"),
        (on("read", [600, 601]), "read: EFAULT"),
        (on("pin", [600, 601]), "pin: EFAULT"),
        (on("unpin", [7, 8]), "page 7 is not pinned"),
        (on("lock_page", [600, 601]), "page 600 is not in memory"),
        (on("unlock_page", [0, 1]), "page 0 is not locked"),
        ({"op": "unlock_mm"}, "nobody holds the mmap_lock"),
        ({"op": "kid", "ops": []}, "no child 'k'; there are: none has been forked"),
        ({"op": "kid_exit", "id": "z"}, "no child 'z'"),
    ],
)
def test_what_can_not_be_done_is_said(op: dict[str, Any], words: str) -> None:
    process = actor(MMAP, WRITE)
    with pytest.raises(ScenarioError, match=words):
        perform(process, op)


def test_two_children_can_not_have_one_id_at_a_time() -> None:
    process = actor(MMAP, WRITE, {"op": "fork"})
    with pytest.raises(ScenarioError, match="there is a child 'k' already"):
        perform(process, {"op": "fork"})
    perform(process, {"op": "kid_exit"})
    perform(process, {"op": "fork"})
    assert process.kids["k"].alive


def test_while_the_mmap_lock_is_taken_nothing_else_can_be_done() -> None:
    process = actor(MMAP, WRITE, {"op": "lock_mm"})
    with pytest.raises(ScenarioError, match="would wait for its mmap_lock"):
        perform(process, WRITE)
    perform(process, {"op": "unlock_mm"})
    perform(process, WRITE)


def test_pages_locked_twice() -> None:
    process = actor(MMAP, WRITE, on("lock_page", [0, 1]))
    with pytest.raises(ScenarioError, match="page 0 is locked already"):
        perform(process, on("lock_page", [0, 1]))


def test_verify_sees_a_page_that_lost_its_contents() -> None:
    process = actor(MMAP, WRITE)
    assert process.verify() == {"checked": 512, "bad": [], "ok": True}
    process.process.write(process.address(9), 12345)
    assert process.verify() == {"checked": 512, "bad": [9], "ok": False}


def test_verify_asks_children_too() -> None:
    process = actor(MMAP, WRITE, {"op": "fork"})
    kid = process.kids["k"]
    kid.process.write(kid.address(3), 1)
    seen = process.verify()
    assert (seen["ok"], seen["bad"], seen["kid_k"]["bad"]) == (False, [], [3])


def test_pages_given_back_may_read_zero_or_what_they_held() -> None:
    process = actor(MMAP, WRITE, advise("free", [0, 8]), advise("pageout", [0, 4]))
    assert process.verify()["ok"]
    process.process.write(process.address(5), 77)
    assert process.verify()["bad"] == [5]


def test_shared_memory_is_common_to_parent_and_child() -> None:
    ops = [{**MMAP, "kind": "shared"}, on("write", [0, 9]), {"op": "fork"}]
    process = actor(*ops, {"op": "kid", "ops": [on("write", [0, 4], gen=1)]})
    assert process.process.read(process.address(0)) == token(0, 1)
    assert process.verify()["ok"]


def test_machines_of_actors_are_their_own() -> None:
    assert isinstance(actor(MMAP).machine, Machine)
    assert actor(MMAP).machine is not actor(MMAP).machine
