"""The knobs: defaults, legal values, errors, what a read prints."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import whole_state
from tests.mm.lab import app
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.sysfs import KNOBS

U32 = (1 << 32) - 1
DEFAULTS = {
    "enabled": "always [madvise] never",
    "defrag": "always defer defer+madvise [madvise] never",
    "use_zero_page": "1",
    "shrink_underused": "1",
    "hugepages-2048kB/enabled": "always [inherit] madvise never",
    "hpage_pmd_size": "2097152",
    "khugepaged/defrag": "1",
    "khugepaged/max_ptes_none": "511",
    "khugepaged/max_ptes_swap": "64",
    "khugepaged/max_ptes_shared": "256",
    "khugepaged/pages_to_scan": "4096",
    "khugepaged/scan_sleep_millisecs": "10000",
    "khugepaged/alloc_sleep_millisecs": "60000",
    "khugepaged/full_scans": "0",
    "khugepaged/pages_collapsed": "0",
    "shmem_enabled": "always within_size advise [never] deny force",
    "hugepages-2048kB/shmem_enabled": "always [inherit] within_size advise never",
}
for _kb in (16, 32, 64, 128, 256, 512, 1024):
    DEFAULTS[f"hugepages-{_kb}kB/enabled"] = "always inherit madvise [never]"
LEGAL = {
    "enabled": ["always", "madvise", "never"],
    "defrag": ["always", "defer", "defer+madvise", "madvise", "never"],
    "use_zero_page": ["0", "1"],
    "shrink_underused": ["1", "0"],
    "hugepages-2048kB/enabled": ["always", "inherit", "madvise", "never"],
    "shmem_enabled": ["always", "within_size", "advise", "never", "deny", "force"],
    "hugepages-2048kB/shmem_enabled": ["always", "inherit", "within_size", "advise", "never"],
    "khugepaged/defrag": ["0", "1"],
    "khugepaged/max_ptes_none": ["0", "1", "510", "511"],
    "khugepaged/max_ptes_swap": ["0", "511"],
    "khugepaged/max_ptes_shared": ["0", "511"],
    "khugepaged/pages_to_scan": ["1", "4096", str(U32)],
    "khugepaged/scan_sleep_millisecs": ["0", "1", str(U32)],
    "khugepaged/alloc_sleep_millisecs": ["0", "1", str(U32)],
}
for _kb in (16, 32, 64, 128, 256, 512, 1024):
    LEGAL[f"hugepages-{_kb}kB/enabled"] = LEGAL["hugepages-2048kB/enabled"]
ILLEGAL = {
    "enabled": ["", "on", "1", "Always", "inherit", "always never"],
    "defrag": ["1", "deferred", "defer + madvise", "always,never"],
    "use_zero_page": ["2", "-1", "yes", ""],
    "shrink_underused": ["2", "-1", "o", "always", ""],
    "hugepages-2048kB/enabled": ["on", "defer"],
    "shmem_enabled": ["madvise", "inherit", "1", ""],
    "hugepages-2048kB/shmem_enabled": ["madvise", "deny", "force", "1"],
    "khugepaged/defrag": ["2", "-1", "always"],
    "khugepaged/max_ptes_none": ["512", "-1", "all", "1.5", ""],
    "khugepaged/max_ptes_swap": ["512", "-1"],
    "khugepaged/max_ptes_shared": ["512", "-1"],
    "khugepaged/pages_to_scan": ["0", "-1", str(U32 + 1), "many"],
    "khugepaged/scan_sleep_millisecs": ["-1", str(U32 + 1), "10s"],
    "khugepaged/alloc_sleep_millisecs": ["-1", str(U32 + 1)],
}
for _kb in (16, 32, 64, 128, 256, 512, 1024):
    ILLEGAL[f"hugepages-{_kb}kB/enabled"] = ["on", "defer", ""]


def pairs(table):
    return [(path, value) for path, values in table.items() for value in values]


def test_every_knob_is_tested_here():
    """Does a new knob have its rows in the tables above?"""
    assert set(KNOBS) == set(LEGAL) == set(ILLEGAL)


@pytest.mark.parametrize(("path", "text"), DEFAULTS.items())
def test_defaults(path, text):
    """What does each file print after boot?"""
    assert Machine().read_sysfs(path) == text + "\n"


@pytest.mark.parametrize(("path", "value"), pairs(LEGAL))
def test_legal_value_is_read_back(path, value):
    """Is a legal value, with a newline as echo writes it, taken and printed?"""
    machine = Machine()
    machine.write_sysfs(path, value + "\n")
    text = machine.read_sysfs(path).strip()
    if KNOBS[path].words:
        assert [word for word in text.split() if word.startswith("[")] == [f"[{value}]"]
        assert text.replace("[", "").replace("]", "").split() == list(KNOBS[path].words)
    else:
        assert text == value


@pytest.mark.parametrize(("path", "value"), pairs(ILLEGAL))
def test_illegal_value_changes_nothing(path, value):
    """Which errno has a value that is not allowed, does the message help, is all as before?"""
    machine = Machine()
    state = whole_state(machine.kernel)
    with pytest.raises(KernelError) as caught:
        machine.write_sysfs(path, value)
    assert caught.value.errno == errno.EINVAL
    message = str(caught.value)
    assert message.startswith("EINVAL: ")
    assert path in message
    assert repr(value) in message
    allowed = KNOBS[path].words or (str(LEGAL[path][0]), str(LEGAL[path][-1]))
    assert all(word in message for word in allowed)
    assert whole_state(machine.kernel) == state


@pytest.mark.parametrize("path", ["hpage_pmd_size", "khugepaged/full_scans", "khugepaged/pages_collapsed"])
def test_read_only_files(path):
    """Which errno does a write to a counter have?"""
    machine = Machine()
    with pytest.raises(KernelError, match=f"EACCES: .*{path}") as caught:
        machine.write_sysfs(path, "7")
    assert caught.value.errno == errno.EACCES
    assert machine.read_sysfs(path) == DEFAULTS[path] + "\n"


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("max_ptes_none", "khugepaged/max_ptes_none"),
        ("enable", "enabled"),
        ("khugepaged/pages", "pages_to_scan"),
    ],
)
def test_unknown_file_names_a_near_one(path, near):
    """Which errno has a path that does not exist, and does the message suggest the right one?"""
    machine = Machine()
    for act in (machine.read_sysfs, lambda p: machine.write_sysfs(p, "1")):
        with pytest.raises(KernelError) as caught:
            act(path)
        assert caught.value.errno == errno.ENOENT
        assert near in str(caught.value)


def test_absolute_path():
    """May the path be written in full?"""
    machine = Machine()
    machine.write_sysfs("/sys/kernel/mm/transparent_hugepage/enabled", "always")
    assert machine.read_sysfs("enabled") == "[always] madvise never\n"


@pytest.mark.parametrize("text", ["0x10", "0b11", "1_0", " 5", "5 ", "5\n\n", "٣"])
def test_numbers_are_decimal_and_end_with_at_most_one_newline(text):
    """Does the kernel's kstrto(10) take this number? (It takes digits, a plus, one newline.)"""
    machine = Machine()
    with pytest.raises(KernelError, match="EINVAL"):
        machine.write_sysfs("khugepaged/max_ptes_none", text)


@pytest.mark.parametrize(("text", "value"), [("010", "10"), ("+7", "7"), ("0", "0")])
def test_unusual_decimal_numbers(text, value):
    """Is a leading zero or plus accepted, and read as decimal?"""
    machine = Machine()
    machine.write_sysfs("khugepaged/max_ptes_none", text)
    assert machine.read_sysfs("khugepaged/max_ptes_none") == value + "\n"


@pytest.mark.parametrize("text", [" always", "always ", "always\n\n"])
def test_words_end_with_at_most_one_newline(text):
    """Does the kernel's sysfs_streq take this word?"""
    machine = Machine()
    with pytest.raises(KernelError, match="EINVAL"):
        machine.write_sysfs("enabled", text)


@pytest.mark.parametrize("path", ["use_zero_page", "khugepaged/defrag"])
def test_a_number_too_large_for_the_kernel_is_erange(path):
    """Which errno has a switch for a number beyond 64 bits?"""
    with pytest.raises(KernelError) as caught:
        Machine().write_sysfs(path, str(1 << 64))
    assert caught.value.errno == errno.ERANGE


@pytest.mark.parametrize("entries", [8, 16, 64])
def test_defaults_scale_with_the_table(entries):
    """Which defaults and limits have smaller tables?"""
    machine = Machine(entries=entries, memory_pages=256)
    read = {
        name: machine.read_sysfs(f"khugepaged/{name}").strip() for name in ("max_ptes_none", "pages_to_scan")
    }
    assert read == {"max_ptes_none": str(entries - 1), "pages_to_scan": str(8 * entries)}
    assert machine.read_sysfs("khugepaged/max_ptes_swap") == f"{entries // 8}\n"
    assert machine.read_sysfs("khugepaged/max_ptes_shared") == f"{entries // 2}\n"
    assert machine.read_sysfs("hpage_pmd_size") == f"{entries * 4096}\n"
    with pytest.raises(KernelError, match=f"0 to {entries - 1}"):
        machine.write_sysfs("khugepaged/max_ptes_none", entries)


def test_set_knobs_lets_nothing_run():
    """Does setting several knobs let the daemon run between them?"""
    process = app()
    process.machine.set_knobs([("khugepaged/scan_sleep_millisecs", 5), ("enabled", "always")])
    assert process.machine.read_sysfs("khugepaged/scan_sleep_millisecs") == "5\n"
    assert process.machine.trace == []


@pytest.mark.parametrize(
    ("word", "text"),
    [("y", "1"), ("N", "0"), ("on", "1"), ("Off", "0"), ("yes", "1"), ("t", "1"), ("false", "0")],
)
def test_a_boolean_takes_words(word, text):
    """Which words does a file take that the kernel reads with kstrtobool, and what does it print?"""
    machine = Machine()
    machine.write_sysfs("shrink_underused", "0" if text == "1" else "1")
    machine.write_sysfs("shrink_underused", word)
    assert machine.read_sysfs("shrink_underused") == f"{text}\n"


def test_a_file_that_only_later_kernels_have():
    """Is shrink_underused there in 6.12 and not in 6.1?"""
    assert Machine("6.12").read_sysfs("shrink_underused") == "1\n"
    with pytest.raises(KernelError, match="ENOENT"):
        Machine("6.1").write_sysfs("shrink_underused", "0")
