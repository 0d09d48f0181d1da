"""What is installed, from where, and that every file that says so says the same."""

from __future__ import annotations

import json
import re
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hatchling.build import build_sdist, build_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import thplab

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT: dict[str, Any] = PYPROJECT["project"]
ADDRESS: str = PROJECT["urls"]["Repository"]

#: conda has a matplotlib without the Qt that nobody needs here
CONDA_NAMES = {"matplotlib-base": "matplotlib"}


def wanted(*extras: str) -> dict[str, Requirement]:
    """The requirements of the package and of some of its extras, by canonical name."""
    lines = [
        *PROJECT["dependencies"],
        *(line for e in extras for line in PROJECT["optional-dependencies"][e]),
    ]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def conda(path: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / path).read_text())


def test_the_two_environment_files_are_equal() -> None:
    # Binder reads the one in binder/ and ignores the other; conda users take the one in the root.
    assert (ROOT / "environment.yml").read_text() == (ROOT / "binder/environment.yml").read_text()


def test_environment_asks_for_what_pyproject_asks_for() -> None:
    lines = [Requirement(line.replace("=", "==", 1) if re.search(r"\w=\d", line) else line)
             for line in conda("environment.yml")["dependencies"]]  # fmt: skip
    python, *rest = lines
    found = {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in rest}
    assert found == {name: str(r.specifier) for name, r in wanted("lab").items()}
    assert python.name == "python"
    assert next(iter(python.specifier)).version in Requirement(f"x{PROJECT['requires-python']}").specifier


def lock_entries() -> dict[str, str]:
    """name -> the entry of requirements.lock, with its hashes."""
    text = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    return {canonicalize_name(e.split("==")[0]): e for e in entries if "==" in e.partition("\n")[0]}


def test_lock_has_every_dependency_in_a_version_that_is_allowed() -> None:
    entries = lock_entries()
    for name, requirement in wanted(*PROJECT["optional-dependencies"]).items():
        version = re.match(r"\S+==(\S+)", entries[name])
        assert version, name
        assert version[1] in requirement.specifier, f"{name}: {version[1]} in the lock, {requirement}"


def test_lock_has_hashes_and_no_address() -> None:
    for name, entry in lock_entries().items():
        assert "--hash=sha256:" in entry, name
    assert not re.search(r"index-url|https?://|@ file:", (ROOT / "requirements.lock").read_text())


def test_npm_lock_has_hashes_and_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert (
        lock["packages"][""]["devDependencies"]
        == json.loads((ROOT / "package.json").read_text())["devDependencies"]
    )
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name


def test_no_upper_pins() -> None:
    for requirement in wanted(*PROJECT["optional-dependencies"]).values():
        assert {s.operator for s in requirement.specifier} == {">="}, requirement


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs/dependencies.md").read_text()
    missing = [n for n in wanted(*PROJECT["optional-dependencies"]) if f"`{n}`" not in text]
    assert not missing


def test_address_is_the_same_everywhere() -> None:
    readme = (ROOT / "README.md").read_text()
    slug = ADDRESS.removeprefix("https://github.com/")
    start = "notebooks/00-start-here.ipynb"
    assert (ROOT / start).is_file()
    assert f"https://mybinder.org/v2/gh/{slug}/HEAD?urlpath=lab/tree/{start}" in readme
    assert f"git clone {ADDRESS}" in readme
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["repository-code"] == ADDRESS
    for text in (readme, *(p.read_text() for p in (ROOT / "docs").glob("*.md"))):
        for owner in re.findall(r"(?:github\.com|mybinder\.org/v2/gh)/([\w.-]*thplab/[\w.-]+)", text):
            assert owner == slug


def test_version_is_the_same_everywhere() -> None:
    assert thplab.__version__ == PROJECT["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    newest = re.search(r"^## \[([\d.]+)\] - (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest.groups() == (PROJECT["version"], str(citation["date-released"]))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str]]:
    """The names in a wheel and in a source archive built from this tree."""
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        wheel, sdist = build_wheel(str(folder)), build_sdist(str(folder))
    with zipfile.ZipFile(folder / wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(folder / sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    return in_wheel, in_sdist


def test_wheel_is_the_library_and_the_stage(built: tuple[set[str], set[str]]) -> None:
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "thplab").rglob("*")
        if path.is_file()
        and path.suffix in {".py", ".pyi", ".js", ".ts", ".css", ".json", ".jsonl", ".txt", ".md"}
    }
    assert {
        "thplab/stage/stage.css",
        "thplab/reading/glyphs.json",
        "thplab/data/backtraces/note.txt",
    } <= package
    in_wheel = {name for name in built[0] if not name.startswith(f"thplab-{PROJECT['version']}.dist-info/")}
    assert in_wheel == package
    assert {name.rpartition("/")[2] for name in built[0]} >= {"LICENSE", "LICENSE-docs", "entry_points.txt"}


def test_source_archive_has_course_and_tests(built: tuple[set[str], set[str]]) -> None:
    needed = {"notebooks/00-start-here.ipynb", "README.md", "LICENSE", "Makefile", "requirements.lock",
              "tests/data/captures/named.jsonl.gz", "tests/data/captures/README.md", "docs/fidelity.md",
              "binder/environment.yml", "thplab/cli.py", "tools/report.py"}  # fmt: skip
    assert needed <= built[1]
    assert not [name for name in built[1] if name.startswith((".venv", ".git/"))]


def test_binder_installs_only_the_package() -> None:
    script = ROOT / "binder/postBuild"
    assert script.stat().st_mode & 0o111
    commands = [line for line in script.read_text().splitlines() if line and not line.startswith("#")]
    assert commands[:2] == ["set -e", "python -m pip install --no-deps ."]
    assert not [line for line in commands if "install" in line][1:]
    copied = [line.split()[1] for line in commands if line.startswith("cp ")]
    assert copied
    assert all((ROOT / name).is_file() for name in copied)
