"""Write what is made of the specification of a scenario: docs/scenario-format.md, and the JSON Schema.

python -m tools.scenario_format

In the page, the tables between ``<!-- table: NAME -->`` and ``<!-- end -->`` are made anew, and so is each
answer: a block ``json answer KEYS`` holds these keys of what ``thplab predict`` says to the block
``json scenario`` before it (no KEYS: all of them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from thplab.files import write_file
from thplab.scenario.data import MachineSpec
from thplab.scenario.gaps import GAPS
from thplab.scenario.intruders import INTRUDER_KEYS
from thplab.scenario.observe import GLYPHS
from thplab.scenario.predict import predict
from thplab.scenario.schema import MACHINE_KEYS, SCENARIO, SCENARIO_KEYS, STEP
from thplab.scenario.settings import SETTINGS, SETTINGS_VALUE
from thplab.scenario.spec import INTRUDER_OP, INTRUDER_OPS, OP, OPS
from thplab.scenario.steps import STEPS
from thplab.scenario.values import Key, Row

__all__ = ["PAGE", "SCHEMA", "page", "schema"]

_ROOT = Path(__file__).parents[1]
PAGE = _ROOT / "docs" / "scenario-format.md"
SCHEMA = _ROOT / "thplab" / "data" / "scenario.schema.json"

_TABLE = re.compile(r"(?<=<!-- table: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
_EXAMPLE = re.compile(r"(```json scenario\n(.*?)```.*?```json answer ?([^\n]*)\n).*?(?=```)", re.DOTALL)


def schema() -> dict[str, Any]:
    """JSON Schema of a scenario, or of an object that has one as ``scenario``."""
    one_process = {"anyOf": [{"required": ["windows"]}, {"required": ["ops"]}]}
    either = [
        {"oneOf": [one, {"required": [other]}]}
        for one, other in ((one_process, "procs"), ({"required": ["action"]}, "steps"))
    ]
    wrapped = {
        "type": "object",
        "properties": {"scenario": {"$ref": "#/$defs/scenario"}},
        "required": ["scenario"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of thplab",
        "if": {"required": ["scenario"]},
        "then": wrapped,
        "else": {"$ref": "#/$defs/scenario"},
        "$defs": {
            "scenario": {**SCENARIO.schema, "allOf": either},
            "settings": SETTINGS_VALUE.schema,
            "op": OP.schema,
            "intruder": INTRUDER_OP.schema,
            "step": STEP.schema,
        },
    }


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|")


def _table(head: str, rows: Iterable[tuple[object, ...]]) -> str:
    names = head.split(", ")
    lines = [names, ["---"] * len(names), *([_cell(each) for each in row] for row in rows)]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _default(key: Key) -> str:
    if key.needed:
        return "*needed*"
    return (
        ""
        if key.default is None
        else json.dumps(key.default)
        if not isinstance(key.default, str)
        else key.default
    )


_Line = tuple[object, ...]


def _lines(keys: Mapping[str, Key]) -> list[_Line]:
    return [(f"`{name}`", key.says, key.value.allowed, _default(key)) for name, key in keys.items()]


def _keys(keys: Mapping[str, Key]) -> str:
    return _table("key, what it is, allowed, if left out", _lines(keys))


def _rows(rows: Mapping[str, Row]) -> str:
    """Each row with its keys, in lines of a table."""
    lines: list[tuple[object, ...]] = []
    for name, row in rows.items():
        lines.append((f"**`{name}`**", row.effect, "", ""))
        lines += [
            (f"`{key}`", each.says, each.value.allowed, _default(each)) for key, each in row.keys.items()
        ]
    return _table("name or key, what it is, allowed, if left out", lines)


def _tables() -> dict[str, str]:
    spec = MachineSpec()
    machine = {
        name: Key(key.value, key.says, key.default or getattr(spec, name))
        for name, key in MACHINE_KEYS.items()
    }
    return {
        "scenario": _keys(SCENARIO_KEYS),
        "machine": _keys(machine),
        "ops": _rows(OPS),
        "steps": _rows(STEPS),
        "intruders": _keys(INTRUDER_KEYS),
        "locks": _table(
            "op, lock that it waits for", ((f"`{n}`", op.lock.says) for n, op in INTRUDER_OPS.items())
        ),
        "gaps": _table("gap, when", ((f"`{name}`", gap.says) for name, gap in GAPS.items())),
        "settings": _table(
            "setting, file, allowed, default",
            (
                (f"`{name}`", f"`{each.file}`", each.value.allowed, each.default)
                for name, each in SETTINGS.items()
            ),
        ),
        "glyphs": _table("glyph, page is", ((f"`{glyph}`", says) for glyph, says in GLYPHS.items())),
    }


def _print(value: object, indent: int = 0) -> str:
    """JSON as people write it: what fits into a line is in a line."""
    text = json.dumps(value)
    if len(text) + indent <= 116 or not isinstance(value, dict | list) or not value:
        return text
    pad, end = " " * (indent + 1), ","
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_print(each, indent + len(key) + 5)}" for key, each in value.items()]
        return "{" + f"{end}\n{pad}".join(parts) + "}"
    return "[" + f"{end}\n{pad}".join(_print(each, indent + 1) for each in value) + "]"


def _answer(found: re.Match[str]) -> str:
    answer = predict(json.loads(found[2]))
    keys = found[3].split() or list(answer)
    return found[1] + _print({key: answer[key] for key in keys}) + "\n"


def page(text: str) -> str:
    """The page with its tables and answers made anew."""
    tables = _tables()
    text = _TABLE.sub(lambda found: found[1] + found[2] + tables[found[1]], text)
    return _EXAMPLE.sub(_answer, text)


if __name__ == "__main__":
    write_file(PAGE, page(PAGE.read_text("utf-8")))
    write_file(SCHEMA, json.dumps(schema(), indent=1) + "\n")
