"""Count the product's lines of code, room by room: ``python -m tools.lines [FOLDER]``.

A line counts if it holds code: blank lines, comments and docstrings do not.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

__all__ = ["lines_of_code"]

ROOT = Path(__file__).parents[1]

_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip
#: A text in quotes, or a comment: what comes first decides, so "/*" in a text begins no comment.
_JS_PIECE = re.compile(
    r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|//[^\n]*|/\*.*?\*/""", re.DOTALL
)


def _python(text: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = {n for t in tokens if t.type not in _NO_CODE for n in range(t.start[0], t.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(code)


def _javascript(text: str) -> int:
    plain = _JS_PIECE.sub(lambda piece: "" if piece[0].startswith("/") else piece[0], text)
    return sum(1 for line in plain.splitlines() if line.strip())


_COUNT = {".py": _python, ".pyi": _python, ".js": _javascript}


def lines_of_code(path: Path) -> int:
    """Lines of a Python or JavaScript file that hold code."""
    return _COUNT[path.suffix](path.read_text(encoding="utf-8"))


def main(folder: Path) -> None:
    """Print the lines of each room, of each language, and of all."""
    count: Counter[str] = Counter()
    for path in (path for path in folder.rglob("*") if path.suffix in _COUNT):
        room, *rest = path.relative_to(folder).parts
        for name in (room if rest else ".", f"*{path.suffix}", "all"):
            count[name] += lines_of_code(path)
    for name in sorted(count, key=lambda name: (name == "all", name.startswith("*"), name)):
        print(f"{count[name]:7} {name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "thplab")
