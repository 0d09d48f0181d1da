"""What the docstrings of ``mm/`` promise: locks where entries are written or pages freed, and errors.

One form for locks: ``Locks expected: X.``, then ``Takes Y.`` and ``Drops Z.`` where they apply; a function
whose caller needs none says ``Locks expected: none.``
"""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from thplab import mm
from thplab.mm.compaction.free_scanner import isolate_freepages_block
from thplab.mm.compaction.migrate_scanner import isolate_migratepages_block
from thplab.mm.include.pgtable import pmd_populate, set_pmd_at, set_pte_at
from thplab.mm.memory.tables import pte_free
from thplab.mm.page_alloc.alloc import __free_pages, folio_put
from thplab.mm.page_alloc.buddy import __isolate_free_page
from thplab.mm.swap import lruvec_del_folio
from thplab.mm.swapfile import free_folio_and_swap_cache, free_swap_and_cache
from thplab.mm.vmscan.isolate import folio_isolate_lru, folio_putback_lru

WRITE_AN_ENTRY = {set_pte_at, set_pmd_at, pmd_populate}
#: The last reference frees: whatever drops one may free.
FREE_A_PAGE = {
    __free_pages,
    pte_free,
    folio_put,
    folio_putback_lru,
    free_swap_and_cache,
    free_folio_and_swap_cache,
}
ISOLATE_A_PAGE = {
    folio_isolate_lru,
    lruvec_del_folio,
    __isolate_free_page,
    isolate_freepages_block,
    isolate_migratepages_block,
}
NEED_LOCKS = WRITE_AN_ENTRY | FREE_A_PAGE | ISOLATE_A_PAGE

STATEMENT = re.compile(r"Locks expected: [^.]+\.")
#: A lock that is taken, dropped or expected in words of another form.
OTHER_FORM = re.compile(r"\b[Ll]ocks? (expected|needed|held)\b|\b(Takes|Drops) [^.]*(lock|i_mmap_rwsem)")

Function = tuple[str, ast.FunctionDef, dict[str, Any]]


@cache
def functions() -> tuple[Function, ...]:
    """Every function of ``mm/``: file:name, its syntax tree, and what the names of its module mean."""
    root = Path(mm.__file__).parent
    modules = (
        importlib.import_module(info.name) for info in pkgutil.walk_packages(mm.__path__, "thplab.mm.")
    )
    files = ((Path(inspect.getfile(module)), module) for module in modules)
    return tuple(
        function
        for file, module in files
        for function in functions_of(file.relative_to(root).as_posix(), file.read_text(), vars(module))
    )


def functions_of(file: str, source: str, names: dict[str, Any]) -> Iterator[Function]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            yield f"{file}:{node.name}", node, names | local_imports(node)


def said(function: ast.FunctionDef) -> str:
    """The docstring on one line."""
    return " ".join((ast.get_docstring(function) or "").split())


def local_imports(function: ast.FunctionDef) -> dict[str, Any]:
    return {
        alias.asname or alias.name: getattr(importlib.import_module(node.module), alias.name)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def uses(function: ast.FunctionDef, names: dict[str, Any]) -> set[Any]:
    """The functions and classes that the body calls or hands on, itself included."""
    mentioned = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} | {function.name}
    return {names[name] for name in mentioned if inspect.isroutine(names.get(name))}


def without_locks(every: Iterable[Function]) -> list[str]:
    """Those that write an entry, free or isolate a page, and do not say under which locks."""
    return [
        where
        for where, function, names in every
        if uses(function, names) & NEED_LOCKS and not STATEMENT.search(said(function))
    ]


def raised(function: ast.FunctionDef, names: dict[str, Any]) -> set[str]:
    """Names of the exception classes in the raise statements; of a bare one, of what it hands on."""
    return {
        name
        for node in ast.walk(function)
        for name in (
            [exception_name(node.exc, names)]
            if isinstance(node, ast.Raise) and node.exc
            else [ast.unparse(node.type)]
            if isinstance(node, ast.ExceptHandler) and node.type and hands_on(node)
            else []
        )
    }


def hands_on(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


def exception_name(raised: ast.expr, names: dict[str, Any]) -> str:
    made_by = raised.func if isinstance(raised, ast.Call) else raised
    what = names.get(ast.unparse(made_by))
    # A function that makes the exception says so by its annotation.
    return inspect.get_annotations(what)["return"] if inspect.isroutine(what) else ast.unparse(made_by)


def is_public(name: str) -> bool:
    """A name with one underscore is a helper of ours; with two it is the kernel's."""
    return not name.startswith("_") or name.startswith("__")


def without_errors(every: Iterable[Function]) -> list[str]:
    """``where: error`` of the public functions whose docstring does not name an error that they raise."""
    return [
        f"{where}: {error}"
        for where, function, names in every
        if is_public(function.name)
        for error in sorted(raised(function, names))
        if error not in said(function)
    ]


def in_another_form(every: Iterable[Function]) -> list[str]:
    """Those that speak of locks, but not in the one form: anything but what follows ``Locks expected:``."""
    return [
        where
        for where, function, _ in every
        if OTHER_FORM.search(said(function).partition("Locks expected: ")[0])
    ]


def lines(offenders: list[str]) -> str:
    return "\n".join(["", *offenders])


def test_whatever_writes_an_entry_frees_or_isolates_a_page_states_its_locks():
    """Does a reader of such a function learn what must be held, without reading its callers?"""
    assert not (offenders := without_locks(functions())), lines(offenders)


def test_public_functions_say_what_they_raise():
    """Is each error that a body raises named in the docstring, KernelBug included?"""
    assert not (offenders := without_errors(functions())), lines(offenders)


def test_locks_are_stated_in_one_form():
    """Can a reader (or grep) rely on one spelling?"""
    assert not (offenders := in_another_form(functions())), lines(offenders)


def test_each_listed_function_is_used():
    """Would a setter that went out of use, or got another name, be noticed here?"""
    used = {each for where, function, names in functions() for each in uses(function, names)}
    assert used >= NEED_LOCKS


BROKEN = '''
def clear(table, index):
    """Clear one entry. Takes the PTE lock."""
    from thplab.mm.include.pgtable import set_pte_at as store

    (store if table else print)(table, index, 0)


def refuse(folio):
    """Refuse. Locks expected: none."""
    try:
        folio_put(None, folio)
    except MemoryError:
        raise
    raise KernelBug("no")
'''


def test_broken_promises_are_found():
    """Do an alias of a setter, a bare raise and another spelling count?"""

    def broken() -> Iterator[Function]:
        return functions_of("x.py", BROKEN, {"folio_put": folio_put})

    assert without_locks(broken()) == ["x.py:clear"]
    assert without_errors(broken()) == ["x.py:refuse: KernelBug", "x.py:refuse: MemoryError"]
    assert in_another_form(broken()) == ["x.py:clear"]
