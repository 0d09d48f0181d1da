"""make audit: licences and known vulnerabilities; actions are named by their commit."""

from __future__ import annotations

import json
import re
from email.message import Message
from pathlib import Path

import pytest

from tools import audit

WORKFLOWS = sorted((Path(__file__).parents[1] / ".github" / "workflows").glob("*.yml"))


def test_every_action_is_named_by_its_commit_and_version() -> None:
    uses = [line for file in WORKFLOWS for line in file.read_text("utf-8").splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_all_packages_of_the_lock_are_found() -> None:
    lock = audit.LOCK.read_text("utf-8")
    assert len(audit.pinned(lock)) == len(re.findall(r"^[A-Za-z].*==", lock, re.MULTILINE)) > 100


def answer(query: bytes, bad: str) -> bytes:
    names = [each["package"]["name"] for each in json.loads(query)["queries"]]
    return json.dumps(
        {"results": [{"vulns": [{"id": "CVE-1"}]} if name == bad else {} for name in names]}
    ).encode()


def test_what_is_known_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    bad, version = audit.pinned(audit.LOCK.read_text("utf-8"))[0]
    assert audit.main(lambda query: answer(query, bad)) == 1
    assert f"x {bad} {version}: CVE-1" in capsys.readouterr().out
    audit.main(lambda query: answer(query, "nothing"))
    assert capsys.readouterr().out.endswith("Known vulnerabilities:\n  none\n")


@pytest.mark.parametrize("failure", [OSError("no route"), ValueError("no JSON"), KeyError("results")])
def test_a_database_that_can_not_be_asked_is_told(
    failure: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(query: bytes) -> bytes:
        raise failure

    audit.main(fails)
    out = capsys.readouterr().out
    assert "not checked: https://api.osv.dev" in out
    assert "none" not in out.rpartition("Known vulnerabilities")[2]


@pytest.mark.parametrize(
    ("headers", "licence", "accepted"),
    [
        ([("License-Expression", "MIT")], "MIT", True),
        ([("Classifier", "License :: OSI Approved :: BSD License")], "BSD License", True),
        ([("License", "GPL-3.0")], "GPL-3.0", False),
        ([("License", "Apache 2.0\nmore")], "Apache 2.0", True),
        ([], "not stated", False),
        ([("License", "permits nothing")], "permits nothing", False),
    ],
)
def test_licences(headers: list[tuple[str, str]], licence: str, accepted: bool) -> None:
    message = Message()
    for name, value in headers:
        message[name] = value
    assert audit.licence_of(message) == licence
    assert audit.is_accepted(licence) == accepted
