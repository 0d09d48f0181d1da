"""Faces of memory: line for line as recorded machines print them."""

from __future__ import annotations

import errno
import gzip
import json
import re
from pathlib import Path

import pytest

from tests.mm.ftrace import CAPTURES
from thplab.experiments.comb import comb34
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mmzone import Memory, free_list
from thplab.mm.page_alloc.buddy import free_blocks
from thplab.mm.proc.vm import buddyinfo_line


def recorded_text(name: str) -> list[str]:
    with gzip.open(CAPTURES / f"{name}.txt.gz", "rt") as file:
        return file.read().split("\n")


@pytest.mark.parametrize("name", ["ftrace/compact_memory", "ftrace/kcompactd_proactive"])
def test_every_recorded_line_is_printed_the_same(name):
    """Do we print the numbers of each recorded line of buddyinfo and pagetypeinfo as the kernel did?"""
    lines = [line for line in recorded_text(name) if re.match(r"Node +0, zone .*\d $", line)]
    blocks = [line for line in lines if len(line.split(", ")[-1].split()) == 7]
    rows = [line for line in lines if line not in blocks]
    assert len(rows) >= 36
    for line in rows:
        head = re.match(r"Node +0, zone +\w+(, type +\w+)? ", line).group()
        numbers = line[len(head) - 1 :].split()
        counts = [100_000 if number == ">100000" else int(number) for number in numbers]
        assert buddyinfo_line(head, counts) == line + "\n"


def test_the_heads_are_the_recorded_ones():
    """Are the lines that are not numbers those of a real machine?"""
    machine = Machine(memory_pages=8192, start_pfn=0x100000, memory=Memory(pcp=0))
    real = recorded_text("ftrace/compact_memory")
    start = real.index("Page block order: 9")
    ours = machine.read("/proc/pagetypeinfo").split("\n")
    assert ours[:4] == real[start : start + 4]
    number = next(line for line in real if line.startswith("Number of blocks"))
    assert number in ours
    zone = next(line for line in real[start:] if re.match(r"Node 0, zone   Normal .*\d $", line))
    assert len(ours[-2]) == len(zone)
    assert ours[-2].startswith("Node 0, zone   Normal ")


def test_buddyinfo_of_the_comb():
    machine, _ = comb34()
    assert machine.read("/proc/buddyinfo") == ("Node 0, zone   Normal   1024   1024" + "      0" * 9 + " \n")


def test_pagetypeinfo_counts_lists_and_blocks():
    """Does the file agree with the lists, type by type?"""
    machine = Machine(memory_pages=8192, start_pfn=0x100000, memory=Memory(pcp=0))
    process = machine.process("app")
    process.mmap(0x7F0000000000, 2 << 20)
    process.write(0x7F0000000000, 1)
    kernel, zone = machine.kernel, machine.kernel.zone
    text = machine.read("/proc/pagetypeinfo")
    total = 0
    for number, name in enumerate(("Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate")):
        row = next(line for line in text.split("\n") if line.startswith("Node    0") and f" {name} " in line)
        counts = [int(word) for word in row.split(name)[1].split()]
        total += sum(count << order for order, count in enumerate(counts))
        first = kernel.mem_map.lru_next[free_list(zone, 10, number)]
        assert (counts[10] > 0) == (first in free_blocks(kernel, 10))
    assert total == zone.free_pages
    blocks = text.split("\n")[-2].split()[4:]
    # Page tables claimed the two pageblocks of one order-10 block; all others are movable.
    assert blocks == ["2", "14", "0", "0", "0"]


def test_indices_as_debugfs_prints_them():
    machine, _ = comb34()
    row = "/sys/kernel/debug/extfrag/"
    assert machine.read(row + "extfrag_index").split()[4:] == ["-1.000", "-1.000"] + [
        f"0.{1000 - (1000 + 1000 * 3072 // (1 << order)) // 2048:03}" for order in range(2, 11)
    ]
    assert machine.read(row + "unusable_index").split()[4:] == ["0.000", "0.333"] + ["1.000"] * 9


def test_vmstat_names_are_those_of_a_real_machine():
    """Is every name in the model's /proc/vmstat one that recorded kernels print, and in their order?"""
    with gzip.open(Path(CAPTURES / "lanes" / "lanes-6.12.jsonl.gz"), "rt") as file:
        in_order = list(json.loads(file.readline())["before"]["vmstat"])
    real = set(in_order)
    for name in ("ftrace/compact_memory", "ftrace/kcompactd_proactive"):
        real |= {line.split()[0] for line in recorded_text(name) if re.fullmatch(r"[a-z_0-9]+ \d+", line)}
    machine, _ = comb34()
    ours = dict(line.split() for line in machine.read("/proc/vmstat").splitlines())
    assert [name for name in ours if name in in_order] == [name for name in in_order if name in ours]
    families = ("compact_", "pgmigrate_", "allocstall_", "thp_")
    assert {n for n in ours if n.startswith(families)} <= real
    assert ours["nr_free_pages"] == "3072"
    assert int(ours["nr_inactive_anon"]) + int(ours["nr_active_anon"]) == 1024


def test_meminfo():
    machine = Machine(memory_pages=8192, start_pfn=0x100000)
    process = machine.process("app")
    process.mmap(0x7F0000000000, 2 << 20)
    process.madvise(0x7F0000000000, 2 << 20, "hugepage")
    process.write(0x7F0000000000, 1)
    lines = machine.read("/proc/meminfo").splitlines()
    assert "MemTotal:          32768 kB" in lines
    assert "AnonHugePages:      2048 kB" in lines
    assert f"MemFree:        {machine.kernel.zone.free_pages * 4:8} kB" in lines
    assert all(re.fullmatch(r"[\w()]+: +\d+ kB", line) for line in lines)


def test_knobs_by_their_full_path():
    machine, _ = comb34()
    machine.write("/proc/sys/vm/compaction_proactiveness", 20)
    assert machine.read("/proc/sys/vm/compaction_proactiveness") == "20\n"
    machine.write("/sys/kernel/mm/transparent_hugepage/enabled", "always")
    assert machine.read("/sys/kernel/mm/transparent_hugepage/enabled") == "[always] madvise never\n"
    with pytest.raises(KernelError) as error:
        machine.read("/proc/sys/vm/overcommit")
    assert error.value.errno == errno.ENOENT
