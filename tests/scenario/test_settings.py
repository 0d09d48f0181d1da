"""Settings: each key stands for a file of sysfs or of /proc/sys/vm, with the kernel's default and values."""

from __future__ import annotations

import pytest

from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.scenario import ScenarioError
from thplab.scenario.settings import SETTINGS, SETTINGS_VALUE, UNLIMITED, default_settings, store_settings

WITH_DEFAULT = [key for key, setting in SETTINGS.items() if setting.default is not None]


def accepts(key: str, value: object) -> bool:
    try:
        SETTINGS_VALUE.check({key: value}, "settings", 0)
    except ScenarioError:
        return False
    return True


def test_settings_are_the_knobs_and_the_sysctls() -> None:
    files = {
        "enabled": "enabled",
        "mthp_64": "hugepages-64kB/enabled",
        "mthp_2048": "hugepages-2048kB/enabled",
    }
    files |= {"khugepaged_defrag": "khugepaged/defrag", "drop_caches": "drop_caches"}
    assert {key: SETTINGS[key].file for key in files} == files


@pytest.mark.parametrize("key", WITH_DEFAULT)
def test_defaults_are_those_of_a_machine_that_was_just_booted(key: str) -> None:
    machine = Machine()
    path = SETTINGS[key].root + SETTINGS[key].file
    before = machine.read(path)
    store_settings(machine, default_settings({key: None}))
    assert machine.read(path) == before


@pytest.mark.parametrize("key", SETTINGS)
def test_what_is_legal_here_is_legal_there(key: str) -> None:
    setting, machine = SETTINGS[key], Machine()
    path, schema = setting.root + setting.file, setting.value.schema
    number = schema.get("anyOf", [{}])[0]
    for value in schema.get("enum") or (number["minimum"], number["maximum"]):
        assert accepts(key, value)
        if key != "scan_sleep_millisecs" or value:
            machine.write(path, value)
    for value in ("sometimes", -1, 1 << 33, 1.5, None, True, "", "0x10"):
        assert not accepts(key, value)
    with pytest.raises(KernelError):
        machine.write(path, "sometimes")


def test_numbers_may_be_texts() -> None:
    assert accepts("max_ptes_none", "511")
    assert not accepts("max_ptes_none", "512")
    machine = Machine()
    store_settings(machine, {"max_ptes_none": "7"})
    assert machine.kernel.knobs.max_ptes_none == 7


def test_a_million_pages_to_scan_and_more_are_no_limit() -> None:
    machine = Machine()
    store_settings(machine, {"pages_to_scan": 1_000_000})
    assert machine.kernel.knobs.pages_to_scan == UNLIMITED
    store_settings(machine, {"pages_to_scan": 999_999})
    assert machine.kernel.knobs.pages_to_scan == 999_999
