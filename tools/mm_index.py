"""Write thplab/mm/INDEX.md, what is where in the model: python -m tools.mm_index."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from thplab.files import write_file
from thplab.kernels import PROFILES
from thplab.kernels.profile import FACTS

__all__ = ["PAGE", "index_page", "main"]

ROOT = Path(__file__).parents[1]
MM = ROOT / "thplab" / "mm"
PAGE = MM / "INDEX.md"

_HEAD = """# What is where in `thplab/mm`

Made by `python -m tools.mm_index`. For each file: what it holds and the kernel's file, the tests that use
most of it, and its functions and classes in order. A function has the kernel's name if the kernel has it;
else the list gives that name, with the versions. A name that begins with one underscore is ours. After a
colon: the versions that the docstring names, and the facts of the profile
([docs/kernels.md](../../docs/kernels.md)) that the function asks for.
"""

_VERSION = re.compile(r"\b(?:to|up to|since|from|before|in) (?:Linux )?\d\.(?:\d+|x)\b")
_RENAMED = re.compile(r"^Kernel names?: (.+?)\.?$", re.MULTILINE)
#: ``do_huge_pmd_anonymous_page: map a huge page``: the kernel's function is named first.
_NAMED_FIRST = re.compile(r"^(?:struct |enum |trace_)?(\w+_\w+): ")


def index_page() -> str:
    """The text of the page."""
    uses = _uses_by_tests()
    files = [path for path in MM.rglob("*.py") if path.name != "__init__.py"]
    files.sort(key=lambda path: (path.parent != MM, path))
    return "\n".join([_HEAD, *(_file(path, uses) for path in files)])


def _file(path: Path, uses: dict[str, Counter[str]]) -> str:
    tree = ast.parse(path.read_text("utf-8"))
    name = path.relative_to(MM).as_posix()
    says = (ast.get_docstring(tree) or "").partition("\n")[0]
    tests = ", ".join(f"`{test}`" for test, _ in _most(uses.get(name, Counter())))
    inside = [each for each in tree.body if isinstance(each, ast.FunctionDef | ast.ClassDef)]
    names = ", ".join(f"`{each.name}`" for each in inside)
    notes = "\n".join(note for each in inside if (note := _note(each)))
    blocks = [f"## `{name}`", f"{says}{f' Tests: {tests}.' if tests else ''}", names, notes]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _note(each: ast.FunctionDef | ast.ClassDef) -> str:
    """A line about what has another name in the kernel, or is not the same in all kernels; else nothing."""
    doc = ast.get_docstring(each) or ""
    attributes = [node for node in ast.walk(each) if isinstance(node, ast.Attribute)]
    asked = {node.attr for node in attributes if "profile" in ast.unparse(node.value)} & FACTS.keys()
    versions = [*dict.fromkeys(_VERSION.findall(doc)), *(f"`{fact}`" for fact in sorted(asked))]
    kernels = _kernel_name(each.name, doc)
    if not kernels and not versions:
        return ""
    renamed = f" = {kernels}" if kernels else ""
    return f"- `{each.name}`{renamed}" + (f": {', '.join(versions)}" if versions else "")


def _kernel_name(name: str, doc: str) -> str:
    """What the docstring and the profiles say, with the versions; nothing if it is the same name."""
    said = _RENAMED.search(doc) or _NAMED_FIRST.match(doc)
    names = [] if said is None else [f"`{said[1]}`" if said[1].isidentifier() else said[1]]
    known = {name, *re.findall(r"\w+", " ".join(names))}
    frames: dict[str, list[str]] = {}
    for kernel, profile in PROFILES.items():
        chain = profile.frames_of.get(name, ())
        if chain and chain[0].name not in known:
            frames.setdefault(chain[0].name, []).append(kernel)
    return ", ".join(names + [f"`{frame}` ({_range(kernels)})" for frame, kernels in frames.items()])


def _range(kernels: list[str]) -> str:
    """So that a new kernel that does as the last one changes nothing."""
    oldest, *_, newest = PROFILES
    if kernels[-1] == newest:
        return f"since {kernels[0]}"
    return f"to {kernels[-1]}" if kernels[0] == oldest else f"{kernels[0]} to {kernels[-1]}"


def _uses_by_tests() -> dict[str, Counter[str]]:
    """File of the model -> test file -> how many of its names the test imports."""
    uses: dict[str, Counter[str]] = {}
    for path in sorted((ROOT / "tests" / "mm").rglob("test_*.py")):
        for module, names in _imports(ast.parse(path.read_text("utf-8"))):
            count = uses.setdefault(f"{module}.py", Counter())
            count[path.relative_to(ROOT).as_posix()] += names
    return uses


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """(file of the model without its ending, how many names of it) for each import of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("thplab.mm"):
            inside = (node.module or "").removeprefix("thplab.mm").lstrip(".").replace(".", "/")
            for alias in node.names:
                module = f"{inside}/{alias.name}".lstrip("/")
                yield (module if (MM / f"{module}.py").is_file() else inside), 1


def _most(count: Counter[str]) -> list[tuple[str, int]]:
    """The three files with most, by name where they are equal."""
    return sorted(count.items(), key=lambda item: (-item[1], item[0]))[:3]


def main() -> None:
    """Write the page."""
    write_file(PAGE, index_page())


if __name__ == "__main__":
    main()
