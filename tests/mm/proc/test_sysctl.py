"""The knobs under /proc/sys/vm."""

from __future__ import annotations

import errno

import pytest

from thplab.experiments.comb import comb34
from thplab.mm.include.errors import KernelError


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("compaction_proactiveness", ("0", "100", "20\n"), ("101", "-1", "x", "")),
        ("extfrag_threshold", ("0", "1000"), ("1001", "-1")),
        ("min_free_kbytes", ("0", "1024"), ("-1", "1.5")),
        ("watermark_boost_factor", ("0", "15000", "2147483647"), ("-1", "2147483648")),
        ("watermark_scale_factor", ("1", "3000"), ("0", "3001")),
    ],
)
def test_values(name, good, bad):
    """Which numbers are taken, and does a refused write change nothing?"""
    machine, _ = comb34()
    for text in good:
        machine.write_sysctl(name, text)
        assert machine.read_sysctl(name) == f"{int(text)}\n"
        assert machine.read_sysctl(f"/proc/sys/vm/{name}") == f"{int(text)}\n"
    before = machine.read_sysctl(name)
    for text in bad:
        with pytest.raises(KernelError) as error:
            machine.write_sysctl(name, text)
        assert error.value.errno == errno.EINVAL
        assert machine.read_sysctl(name) == before


def test_compact_memory():
    """Write-only, and only 1 is taken."""
    machine, _ = comb34()
    for text in ("0", "2", "x"):
        with pytest.raises(KernelError) as error:
            machine.write_sysctl("compact_memory", text)
        assert error.value.errno == errno.EINVAL
    assert machine.vmstat("compact_isolated") == 0
    with pytest.raises(KernelError) as error:
        machine.read_sysctl("compact_memory")
    assert error.value.errno == errno.EACCES
    with pytest.raises(KernelError) as error:
        machine.read_sysctl("swappiness")
    assert error.value.errno == errno.ENOENT


def test_defaults():
    """20, 500, and off the comb the values of the reference machine."""
    from thplab.machine import Machine

    machine = Machine()
    assert machine.read_sysctl("compaction_proactiveness") == "20\n"
    assert machine.read_sysctl("extfrag_threshold") == "500\n"
    assert machine.read_sysctl("watermark_boost_factor") == "15000\n"
    assert machine.read_sysctl("watermark_scale_factor") == "10\n"
