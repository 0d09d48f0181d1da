"""Who imports whom in the model: no circle, also not through an import inside a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Graph = dict[str, set[str]]


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that happen at run time, those inside functions among them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _imports(child)


def _module(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(root: Path, below: str) -> Graph:
    """Module -> the modules of the tree that it imports, for all files under ``below``."""
    files = {_module(path, root): path for path in (root / below).rglob("*.py")}
    graph: Graph = {}
    for module, path in files.items():
        named: set[str] = set()
        for each in _imports(ast.parse(path.read_text("utf-8"))):
            if isinstance(each, ast.Import):
                named.update(alias.name for alias in each.names)
            else:
                named.update(f"{each.module}.{alias.name}" for alias in each.names)
        # ``from a.b import c``: the module a.b.c if there is one, else a.b.
        graph[module] = {
            found for name in named if (found := name if name in files else name.rpartition(".")[0]) in files
        }
    return graph


def _tree(root: Path, **texts: str) -> Graph:
    for name, text in texts.items():
        path = root / "house" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return import_graph(root, "house")


def test_an_import_inside_a_function_counts_and_one_for_types_does_not(tmp_path: Path) -> None:
    graph = _tree(
        tmp_path,
        a="def f():\n    from house.b import g\n",
        b="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.a import f\n",
        c="from house import a\nimport house.b\n",
    )
    assert graph == {"house.a": {"house.b"}, "house.b": set(), "house.c": {"house.a", "house.b"}}


def test_a_circle_is_found(tmp_path: Path) -> None:
    graph = _tree(tmp_path, a="import house.b\n", b="def f():\n    import house.a\n")
    with pytest.raises(ValueError, match="nodes are in a cycle"):
        TopologicalSorter(graph).prepare()


def test_no_module_of_the_model_imports_itself_over_others() -> None:
    TopologicalSorter(import_graph(ROOT, "thplab/mm")).prepare()


def test_the_headers_import_headers_only() -> None:
    """Types are the ground floor: what a file of mm/ does is above them."""
    graph = import_graph(ROOT, "thplab/mm")
    ground = {module for module in graph if module.startswith("thplab.mm.include")}
    assert {(module, above) for module in ground for above in graph[module] - ground} == set()


def test_the_allocators_circle_is_the_hook() -> None:
    """The slow path and kswapd allocate; the allocator reaches them through the fields of Kernel alone."""
    graph = import_graph(ROOT, "thplab/mm")
    above = {"thplab.mm.page_alloc.slowpath", "thplab.mm.vmscan.kswapd"}
    assert all("thplab.mm.page_alloc.alloc" in _reached(graph, module) for module in above)
    assert not above & _reached(graph, "thplab.mm.page_alloc.alloc")


def _reached(graph: Graph, start: str) -> set[str]:
    reached: set[str] = set()
    todo = [start]
    while todo:
        for module in graph[todo.pop()] - reached:
            reached.add(module)
            todo.append(module)
    return reached
