"""Settings: each key stands for a file of sysfs, with the kernel's default and legal values."""

from __future__ import annotations

import pytest

from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.sysfs import KNOBS
from thplab.scenario.settings import SETTINGS, UNLIMITED, default_settings, store_settings

MODELLED = [key for key, setting in SETTINGS.items() if setting.file in KNOBS]


@pytest.mark.parametrize("key", MODELLED)
def test_defaults_are_those_of_a_machine_that_was_just_booted(key: str) -> None:
    machine = Machine()
    before = machine.read_sysfs(SETTINGS[key].file)
    store_settings(machine, default_settings({key: None}))
    assert machine.read_sysfs(SETTINGS[key].file) == before


@pytest.mark.parametrize("key", MODELLED)
def test_what_is_legal_here_is_legal_there(key: str) -> None:
    setting, machine = SETTINGS[key], Machine()
    values = setting.words or (setting.lowest, setting.highest)
    for value in values:
        assert setting.legal(value)
        if key != "scan_sleep_millisecs" or value:
            machine.write_sysfs(setting.file, value)
    for value in ("sometimes", -1, 1 << 33, 1.5, None, True, "", "0x10"):
        assert not setting.legal(value)
    with pytest.raises(KernelError):
        machine.write_sysfs(setting.file, "sometimes")


def test_numbers_may_be_texts() -> None:
    assert SETTINGS["max_ptes_none"].legal("511")
    assert not SETTINGS["max_ptes_none"].legal("512")
    machine = Machine()
    store_settings(machine, {"max_ptes_none": "7"})
    assert machine.kernel.knobs.max_ptes_none == 7


def test_a_million_pages_to_scan_and_more_are_no_limit() -> None:
    machine = Machine()
    store_settings(machine, {"pages_to_scan": 1_000_000})
    assert machine.kernel.knobs.pages_to_scan == UNLIMITED
    store_settings(machine, {"pages_to_scan": 999_999})
    assert machine.kernel.knobs.pages_to_scan == 999_999
