"""What docs, notebooks, docstrings and comments cite is there: files, commands, names, numbers of a format.

Everything is looked up in the tree, the parser, the Makefile and the modules, so nothing here lists them.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import cache, reduce
from importlib import import_module
from pathlib import Path

import pytest

from thplab.cli import _parser
from thplab.recording.file import FORMAT

ROOT = Path(__file__).parents[2]
CODE = ("thplab", "tools", "tests", "benchmarks")

#: Files that are cited and not in the tree: of reveal.js, and what the stage's build writes.
ELSEWHERE = {"reveal.js", "reveal.css", "notes.js", "static/stage.js", "static/stage.css", "glyphs.js"}
#: Files that a reader is told to make, or a page of a real kernel's documentation.
ELSEWHERE |= {"mm-khugepaged.md", "x.ipynb"}

#: A link's target: tests/docs/test_docs.py follows those.
_LINK = re.compile(r"\]\([^)]*\)|https?://\S+")
_FILE = re.compile(
    r"(?<![\w/.*{}-])((?:[\w.-]+/)*[\w-]+\.(?:py|pyi|js|md|ipynb|css|toml|yml|lock))\b(?![\w/(*])"
    rf"|(?<![\w/.-])((?:{'|'.join(CODE)}|docs|notebooks|binder)/[\w./-]*\w)(?!\.?\w)"
)
_CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"\bpython3? -m ((?:thplab|tools|tests|benchmarks)(?:\.[a-z_]\w*)*)")
_NAME = re.compile(r"(?<![\w/.@-])(thplab(?:\.[A-Za-z_]\w*)+)")
_IMPORT = re.compile(r"^ *from (thplab[\w.]*) import ([\w, ]+)$", re.MULTILINE)

Text = tuple[str, str]  # where it is, and what it says


def of_python(path: Path) -> str:
    """The comments and docstrings of a file."""
    source = path.read_text("utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = [token.string for token in tokens if token.type == tokenize.COMMENT]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            found.append(ast.get_docstring(node) or "")
    return "\n".join(found)


def of_javascript(path: Path) -> str:
    """The comments of a file."""
    return "\n".join(re.findall(r"//[^\n]*|/\*.*?\*/", path.read_text("utf-8"), re.DOTALL))


def _texts() -> Iterator[Text]:
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("tests/**/*.md"),
        *ROOT.glob("notebooks/text/*.md"),
    ]
    for path in pages:
        if path.name != "CHANGELOG.md":  # which tells of what there was
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            if path != Path(__file__):
                yield path.relative_to(ROOT).as_posix(), of_python(path)
        for path in (ROOT / folder).rglob("*.js"):
            yield path.relative_to(ROOT).as_posix(), of_javascript(path)


@cache
def texts() -> list[Text]:
    """Every text that cites, with its file."""
    return list(_texts())


def pages() -> list[Text]:
    return [(where, text) for where, text in texts() if where.endswith(".md")]


def pages_of_formats() -> list[Text]:
    return [(where, text) for where, text in pages() if "format" in where]


@cache
def tree() -> tuple[str, ...]:
    """Every file and folder, with a slash in front."""
    tops = [path for path in ROOT.iterdir() if not path.name.startswith(".")]
    below = [path for top in tops for path in (top, *top.rglob("*"))]
    return tuple(f"/{path.relative_to(ROOT).as_posix()}" for path in below if "__pycache__" not in path.parts)


@cache
def is_there(name: str) -> bool:
    """Is there such a file: at this path, or below whatever folder?"""
    plain = re.sub(r"^(\.\.?/)+", "/", name)
    endings = (
        f"/{plain.lstrip('/')}",
        f"/{plain.lstrip('/').removesuffix('.js')}.d.ts",
    )  # types of JavaScript
    return name in ELSEWHERE or Path(name).stem == "NAME" or any(path.endswith(endings) for path in tree())


def missing_files(text: str) -> set[str]:
    """Files and paths that are cited and are not there; a kernel's own end in .c or .h."""
    cited = {a or b for a, b in _FILE.findall(_LINK.sub("", text))}
    return {name for name in cited if not name.endswith((".c", ".h")) and not is_there(name)}


def typed(text: str, program: str) -> Iterator[list[str]]:
    """What follows a program's name wherever a page has it as code: its words, without a comment."""
    for block, span in _CODE.findall(text):
        for line in (block or span).splitlines():
            words = re.split(r" *#|  ", line.strip())[0].split()
            if words and words[0] == program:
                yield words[1:]


def refused_commands(text: str) -> set[str]:
    """``thplab COMMAND --option``, where there is no such command or option."""
    known = {
        name: {option for action in command._actions for option in action.option_strings}
        for name, command in _parser()._commands().items()
    }
    return {
        " ".join((name, *words))
        for name, *words in filter(None, typed(text, "thplab"))
        if name not in known or not {word for word in words if word.startswith("-")} <= known[name]
    }


@cache
def targets() -> frozenset[str]:
    """The targets and variables of the Makefile."""
    text = (ROOT / "Makefile").read_text("utf-8")
    found = re.findall(r"^([\w-]+)(?=:| *\?=)|\$\((\w+)\)", text, re.MULTILINE)
    return frozenset(target or variable for target, variable in found)


def refused_targets(text: str) -> set[str]:
    """``make TARGET VARIABLE=...``, where the Makefile has none such."""
    return {word.partition("=")[0] for words in typed(text, "make") for word in words} - targets()


def unknown_modules(text: str) -> set[str]:
    """``python -m MODULE``, where there is none."""
    return {name for name in _MODULE.findall(text) if not exists(name.rstrip("."))}


@cache
def exists(name: str) -> bool:
    """Is there a module, or an attribute in one?"""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        try:
            found: object = import_module(module)
        except ModuleNotFoundError:
            continue
        return reduce(lambda found, part: getattr(found, part, None), parts[end:], found) is not None
    return False


def unknown_names(text: str) -> set[str]:
    """``thplab.x.y`` and ``from thplab.x import y``, where there is no y."""
    imported = {
        f"{module}.{name.split()[0]}"
        for module, names in _IMPORT.findall(text)
        for name in names.split(",")
        if name.strip()
    }
    return {name for name in imported | set(_NAME.findall(_FILE.sub("", text))) if not exists(name)}


def other_formats(text: str) -> set[str]:
    """``format N``, where N is not the number that is written and read."""
    return set(re.findall(r"\bformat (\d+)\b", text)) - {str(FORMAT)}


Find = Callable[[str], set[str]]
KINDS: dict[str, tuple[Find, Callable[[], list[Text]], str, set[str]]] = {
    "files": (missing_files, texts, "gone.py, tests/gone/x, not mm/gone.c", {"gone.py", "tests/gone/x"}),
    "commands": (
        refused_commands, pages, "`thplab traec note`, `thplab trace note --al`",
        {"traec note", "trace note --al"},
    ),
    "targets": (refused_targets, pages, "`make tests`, `make lab PYTHN=python3`", {"tests", "PYTHN"}),
    "modules": (unknown_modules, texts, "python -m tools.gone; python -m tools.lines", {"tools.gone"}),
    "names": (
        unknown_names, texts, "`thplab.plots.lot`\nfrom thplab.stage import Stage, Stag",
        {"thplab.plots.lot", "thplab.stage.Stag"},
    ),
    "formats": (other_formats, pages_of_formats, "In format 999.", {"999"}),
}  # fmt: skip
EACH_KIND = pytest.mark.parametrize("kind", KINDS)


@EACH_KIND
def test_what_is_cited_is_there(kind: str) -> None:
    find, where, _, _ = KINDS[kind]
    assert {place: gone for place, text in where() if (gone := find(text))} == {}


@EACH_KIND
def test_what_is_not_there_is_found(kind: str) -> None:
    find, _, wrong, gone = KINDS[kind]
    assert find(wrong) == gone
