"""Is a rename in the model noticed? ``python -m tools.rename_check [--seed N] [--count 60]``.

In a copy of the project, each of ``count`` functions of ``thplab/mm`` drawn by ``seed``, and each local
variable that ``thplab/points.py`` declares, is renamed in the model, one at a time. Each time an import of
the package or a quick test must fail. Then come the strings outside the model that equal the name of one of
its functions: words of another kind, or names that should be references. The status is 1 if a rename was not
noticed or a string is of no known kind.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from thplab.files import write_file

ROOT = Path(__file__).parent.parent
MODEL = Path("thplab/mm")

#: The model by itself must still be whole (else this program renamed too little); then all that is above it.
_IMPORT_ALL = """
import importlib, pkgutil, sys, thplab.mm
def load(package):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
try:
    load(thplab.mm)
except Exception as error:
    print(error)
    sys.exit(3)
import thplab.points
load(thplab)
"""

#: Words that are also the name of a function -> what they are; ``path: word`` in this file only.
WORDS = {
    "khugepaged": "a task, or a type of step",
    "kcompactd": "a task",
    "kswapd": "a task",
    "clear_refs": "an op of a scenario",
    "madvise_collapse": "a type of step",
    "trace": "the view of that name, a subcommand, or a part of a recording",
    "walk": "the view of that name",
    "access": "a method of a process, made for readers",
    "vmstat": "a column of a recording",
    "userfaultfd_armed": "a local variable",
    "thplab/lessons/runs/verdict_gallery.py: _file": "the end of an event's name",
    "thplab/scenario/observe.py: scan_pmd": "an event in recordings of real kernels",
    "thplab/scenario/observe.py: collapse_file": "an event in recordings of real kernels",
}


def model_functions(root: Path) -> dict[str, Path]:
    """Each function that a module of the model defines at its top, and the module's file."""
    return {
        node.name: path
        for path in sorted((root / MODEL).rglob("*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


def _places_of_function(name: str, tree: ast.Module) -> set[tuple[int, int]]:
    """Line and column of each use of the function ``name`` in a module of the model."""
    imported = [
        (node.module, alias)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("thplab.mm")
        for alias in node.names
    ]
    modules = {
        alias.asname or alias.name for module, alias in imported if _is_module(f"{module}.{alias.name}")
    }
    places = {
        (each.lineno, each.col_offset) for _, each in imported if each.name == name and name not in modules
    }
    bound = any(each.name == name and each.asname is None for _, each in imported) and name not in modules
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            bound = True
            places.add((node.lineno, node.col_offset + len("def ")))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            strings = (each for each in ast.walk(node) if isinstance(each, ast.Constant))
            places |= {(each.lineno, each.col_offset + 1) for each in strings if each.value == name}
    return places | (_uses(name, tree) if bound else set()) | _uses_through_modules(name, modules, tree)


def _is_module(dotted: str) -> bool:
    path = ROOT / dotted.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def _uses(name: str, tree: ast.Module) -> set[tuple[int, int]]:
    """Uses of the bare name, but for those functions that have a variable of this name."""
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.Lambda)) and name in _own_variables(node)
        for inner in ast.walk(node)
    }
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in hidden)
    return {(node.lineno, node.col_offset) for node in names if node.id == name}


def _uses_through_modules(name: str, modules: set[str], tree: ast.Module) -> set[tuple[int, int]]:
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == name)
    return {
        (node.end_lineno or 0, (node.end_col_offset or 0) - len(name))
        for node in found
        if ast.unparse(node.value) in modules
    }


def _own_variables(function: ast.FunctionDef | ast.Lambda) -> set[str]:
    arguments = (arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg))
    stored = (n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return {*arguments, *stored}


def _places_of_local(function: str, name: str, tree: ast.Module) -> Iterator[tuple[int, int]]:
    """Line and column of each use of a local variable in its function."""
    for top in tree.body:
        if isinstance(top, ast.FunctionDef) and top.name == function:
            for node in ast.walk(top):
                if (isinstance(node, ast.Name) and node.id == name) or (
                    isinstance(node, ast.arg) and node.arg == name
                ):
                    yield node.lineno, node.col_offset


def _replaced(text: str, places: set[tuple[int, int]], old: str, new: str) -> str:
    lines = text.splitlines(keepends=True)
    for row, column in sorted(places, reverse=True):
        line = lines[row - 1].encode()  # columns count bytes
        assert line[column:].startswith(old.encode()), (old, line)
        lines[row - 1] = (line[:column] + new.encode() + line[column + len(old) :]).decode()
    return "".join(lines)


class Copy:
    """A copy of the project in which one thing after another is renamed."""

    def __init__(self, root: Path) -> None:
        """Copy what is needed to ``root``, which exists."""
        self.root = root
        skip = shutil.ignore_patterns("__pycache__")
        for name in ("thplab", "tests", "tools", "docs"):
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name, ignore=skip)
        for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
            shutil.copy(ROOT / name, root / name)
        # Compiled files that are checked by their text's hash: a second renaming within a second is seen.
        command = ("-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "thplab", "tests")
        self._run(*command)
        self.tests = [
            "tests/test_points.py",
            *(str(p.relative_to(root)) for p in root.glob("tests/*/test_*index*.py")),
        ]

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )

    def notices(self) -> str:
        """What noticed that something is wrong: ``import``, ``test``, or nothing."""
        imported = self._run("-c", _IMPORT_ALL)
        if imported.returncode == 3:
            raise RuntimeError(f"the model itself is broken by the renaming: {imported.stdout}")
        if imported.returncode:
            return "import"
        quick = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *self.tests)
        return "test" if self._run(*quick).returncode else ""

    def rename_function(self, name: str) -> str:
        """Rename a function wherever the model has it; what noticed it."""
        trees = {path: ast.parse(path.read_text("utf-8")) for path in (self.root / MODEL).rglob("*.py")}
        return self._try({path: _places_of_function(name, tree) for path, tree in trees.items()}, name)

    def rename_local(self, path: Path, function: str, name: str) -> str:
        """Rename a local variable within its function; what noticed it."""
        tree = ast.parse((self.root / path).read_text("utf-8"))
        return self._try({self.root / path: set(_places_of_local(function, name, tree))}, name)

    def _try(self, places: dict[Path, set[tuple[int, int]]], name: str) -> str:
        before = {path: path.read_text("utf-8") for path, found in places.items() if found}
        if not before:
            raise LookupError(f"{name} is nowhere in the model")
        try:
            for path, text in before.items():
                write_file(path, _replaced(text, places[path], name, f"{name}_renamed"))
            return self.notices()
        finally:
            for path, text in before.items():
                write_file(path, text)


def strings_that_name_functions(root: Path) -> Iterator[tuple[str, str, str]]:
    """Strings outside the model and its points that equal a function's name: place, word, kind or ``?``."""
    names = model_functions(root)
    for path in sorted((root / "thplab").rglob("*.py")):
        file = path.relative_to(root).as_posix()
        if file.startswith(f"{MODEL.as_posix()}/") or file == "thplab/points.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
                kind = WORDS.get(node.value) or WORDS.get(f"{file}: {node.value}", "?")
                if file.startswith("thplab/kernels/v"):
                    kind = "a label of a kernel profile, which thplab/points.py checks"
                yield f"{file}:{node.lineno}", node.value, kind


def declared_locals() -> list[tuple[Path, str, str]]:
    """File, function and variable of each local variable that the points declare."""
    from thplab import points

    return [
        (Path(point.code.co_filename).relative_to(ROOT), point.name, name)
        for point in points.ALL
        for name in point.reads
    ]


def main() -> int:
    """Rename, print what was silent, list the strings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60, help="how many functions")
    options = parser.parse_args()
    drawn = random.Random(options.seed).sample(sorted(model_functions(ROOT)), options.count)
    silent = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        if found := copy.notices():
            print(f"something is wrong before anything was renamed: {found} fails")
            return 1
        for name in drawn:
            by = copy.rename_function(name)
            silent += [] if by else [name]
            print(f"{name}: {by or 'SILENT'}", flush=True)
        for path, function, name in declared_locals():
            by = copy.rename_local(path, function, name)
            silent += [] if by else [f"{function}: {name}"]
            print(f"{function}: {name}: {by or 'SILENT'}", flush=True)
    strings = list(strings_that_name_functions(ROOT))
    for kind, word in sorted({(kind, word) for _, word, kind in strings}):
        places = [place for place, *rest in strings if rest == [word, kind]]
        print(f"{word}, {kind}: {len(places)}\n  " + " ".join(places))
    unknown = sum(kind == "?" for *_, kind in strings)
    print(f"silent: {len(silent)} {', '.join(silent)}\nstrings: {len(strings)}, of no known kind: {unknown}")
    return int(bool(silent) or bool(unknown))


if __name__ == "__main__":
    sys.exit(main())
