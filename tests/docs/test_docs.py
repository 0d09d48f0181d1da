"""What the documents point at exists, and what they name is there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("thplab/**/*.md"),
                 *ROOT.glob("tests/**/*.md"), *ROOT.glob("notebooks/*.ipynb")]
)  # fmt: skip
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


def text_of(path: Path) -> str:
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def anchors_of(path: Path) -> set[str]:
    """The anchors of the headings, as GitHub and JupyterLab make them."""
    found = set()
    for heading in re.findall(r"^#+ +(.+?)\s*$", text_of(path), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        found |= {re.sub(r"[^\w\- ]", "", plain).strip().lower().replace(" ", "-"), plain.replace(" ", "-")}
    return found


def broken_links(path: Path) -> list[str]:
    broken = []
    plain = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(path), flags=re.DOTALL)
    for target in (a or b for a, b in _LINK.findall(plain)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / unquote(name)).resolve() if name else path
        missing = not there.exists() or not there.is_relative_to(ROOT)
        pointed = anchor and not missing and there.suffix in (".md", ".ipynb")
        if missing or (pointed and unquote(anchor) not in anchors_of(there)):
            broken.append(target)
    return broken


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_a_broken_link_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.docs.test_docs.ROOT", tmp_path)
    (tmp_path / "there.md").write_text("# One heading\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md#one-heading) [b](there.md#two) [c](gone.md) `[d](code.md)` [e](https://x.org)\n"
    )
    assert broken_links(page) == ["there.md#two", "gone.md"]


def test_fidelity_names_functions_and_tests_that_exist() -> None:
    text = (ROOT / "docs/fidelity.md").read_text()
    for name in set(re.findall(r"`(tests/[\w/.]+)`", text)):
        assert (ROOT / name).is_file(), name
    model = "\n".join(path.read_text() for path in (ROOT / "thplab/mm").rglob("*.py"))
    words = set(re.findall(r"\w+", model))
    for kernel, ours in re.findall(r"^\| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE):
        assert all((ROOT / "thplab/mm" / name).is_file() for name in re.findall(r"`([\w/]+\.py)`", ours)), (
            ours
        )
        mirrored = re.findall(r"`(\w+)` in", ours) or re.findall(r"`(\w+)`", kernel) if ".py" in ours else []
        assert not mirrored or words & set(mirrored), f"nothing of the row {kernel!r} is in thplab/mm"


def test_the_fidelity_page_has_every_module_of_the_model() -> None:
    page = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    mm = ROOT / "thplab" / "mm"
    modules = {str(path.relative_to(mm)) for path in mm.rglob("*.py") if path.name != "__init__.py"}
    assert sorted(name for name in modules if f"`{name}`" not in page) == []
