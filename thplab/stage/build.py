"""Join the stage's modules into the one ES module that a notebook and a page load.

Each file in js/ and its folders is a plain ES module. Joining needs no Node: imports name files, exports
stand before a declaration, each module becomes a function scope, and comments for tsc are left out.
``python -m thplab.stage.build`` writes the result to static/stage.js for whoever wants a file; the widget
joins it in memory.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from thplab.files import write_file
from thplab.kernels import ScanResult
from thplab.reading import kernel_words, knobs
from thplab.reading.glyphs import glyphs, views
from thplab.recording.derive.focus import SCENES
from thplab.recording.story.questions import OF_ALL, OF_ENTRY, STATES
from thplab.recording.story.windows import BRIEFLY, VERDICT_FUNCTIONS
from thplab.stage.editing import CHOICES
from thplab.terms import terms

_HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[\w./]*\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|const|class) (\w+))", re.MULTILINE)
_TYPES = re.compile(r"^ *\/\*\*(?:(?!\*\/).)*\*\/\n", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SELECTORS = re.compile(r"([^{}]+)\{")
_COMMA = re.compile(r",\s*(?![^(]*\))")
_MARK = re.compile(r"^(\s*)(?=\.sc-)")
_ENTRY = "widget.js"


def _views_module() -> str:
    """``VIEWS``: each row of views.json joined with its views/NAME.js; ``TEXT``: the row of the text twin."""
    *drawn, text = views()
    names = [view["name"] for view in drawn]
    lines = [f'import {{ {name}View }} from "./{name}.js";' for name in names]
    lines += [
        f"const {name} = {{ ...{json.dumps(view)}, ...{name}View }};"
        for name, view in zip(names, drawn, strict=True)
    ]
    lines += [f"export const VIEWS = [{', '.join(names)}];", f"export const TEXT = {json.dumps(text)};", ""]
    return "\n".join(lines)


def _questions_module() -> str:
    """What a scan asks, and what an entry can be: the words of the window's picture."""
    asked = {
        each.key: {"words": each.words, "looksAt": each.looks_at, "counts": bool(each.counts)}
        for each in (*OF_ENTRY, *OF_ALL)
    }
    states = {letter: {"words": state.words, "leaves": state.leaves} for letter, state in STATES.items()}
    return f"export const QUESTIONS = {json.dumps(asked)};\nexport const STATES = {json.dumps(states)};\n"


def _kernel_words_module() -> str:
    """What the kernel's names mean, in which units its numbers are, and who reads which knob."""
    said = {
        "ANYWHERE": kernel_words.anywhere(), "IN_PLACE": kernel_words.in_place(),
        "UNITS": kernel_words.units(), "SYMBOLS": kernel_words.SYMBOLS, "SWITCH": kernel_words.SWITCH,
        "KNOB_READERS": knobs.knob_readers(), "SETTING_FIELDS": knobs.setting_fields(),
        "STORES": list(knobs.STORES),
    }  # fmt: skip
    return "".join(f"export const {name} = {json.dumps(value)};\n" for name, value in said.items())


def modules() -> dict[str, str]:
    """Path in js/ -> text of all modules; some are made from glyphs.json, views.json and Python."""
    home = _HERE / "js"
    found = {
        path.relative_to(home).as_posix(): _TYPES.sub("", path.read_text("utf-8"))
        for path in home.rglob("*.js")
    }
    found["data/glyphs.js"] = f"export const GLYPHS = {json.dumps(glyphs(), ensure_ascii=False)};\n"
    found["data/verdicts.js"] = f"export const VERDICT_FUNCTIONS = {json.dumps(sorted(VERDICT_FUNCTIONS))};\n"
    found["data/verdicts.js"] += f"export const SUCCEEDED = {json.dumps(ScanResult.SUCCEED.value)};\n"
    found["data/verdicts.js"] += f"export const BRIEFLY = {json.dumps(BRIEFLY)};\n"
    found["data/choices.js"] = f"export const CHOICES = {json.dumps(CHOICES, ensure_ascii=False)};\n"
    names = [[each.term, each.meaning, each.english()] for each in terms()]
    found["data/terms.js"] = f"export const TERMS = {json.dumps(names)};\n"
    found["data/kernel_words.js"] = _kernel_words_module()
    found["data/scenes.js"] = f"export const SCENES = {json.dumps(SCENES)};\n"
    found["data/questions.js"] = _questions_module()
    found["views/all.js"] = _views_module()
    return found


def _imports(name: str, text: str) -> list[tuple[str, str]]:
    """What a module imports: the names between the braces, and the path in js/ of where they come from."""
    return [
        (names, posixpath.normpath(f"{posixpath.dirname(name) or '.'}/{path}"))
        for names, path in _IMPORT.findall(text)
    ]


def module_order(sources: Mapping[str, str]) -> list[str]:
    """Modules, each after those that it imports; the entry, widget.js, comes last.

    Raises ValueError if one imports a file that is not there, or itself through others, or if
    nothing imports it.
    """
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"js modules import each other in a circle: {' -> '.join((*above, name))}")
        if name not in sources:
            raise ValueError(f"{above[-1]} imports {name}, which is not in js/")
        if name not in order:
            for _, wanted in _imports(name, sources[name]):
                visit(wanted, (*above, name))
            order.append(name)

    visit(_ENTRY, ())
    unused = set(sources) - set(order)
    if unused:
        raise ValueError(f"js modules that nothing imports: {', '.join(sorted(unused))}")
    return order


def _scope(name: str) -> str:
    return "m_" + name.removesuffix(".js").replace("/", "_")


def _bindings(name: str, text: str) -> list[str]:
    return [f"const {{{names}}} = {_scope(wanted)};" for names, wanted in _imports(name, text)]


def _wrap(name: str, text: str) -> str:
    """One module as ``const m_name = (() => { ... return { exports }; })();``."""
    exported = _EXPORT.findall(text)
    body = _EXPORT.sub("", _IMPORT.sub("", text))
    returned = f"return {{ {', '.join(exported)} }};"
    return "\n".join([f"const {_scope(name)} = (() => {{", *_bindings(name, text), body, returned, "})();"])


@cache
def javascript() -> str:
    """The joined ES module: exports ``mount`` and, as default, the widget's ``render``."""
    sources = modules()
    *others, entry = module_order(sources)
    parts = [_wrap(name, sources[name]) for name in others]
    return "\n".join([*parts, *_bindings(entry, sources[entry]), _IMPORT.sub("", sources[entry])])


@cache
def css() -> str:
    """The style sheet, with the colours of glyphs.json; paper is light."""
    rules = [
        f".thplab-stage{mode} .ts-grid .ts-{glyph['key']}, .thplab-stage{mode} .ts-legend .ts-{glyph['key']} "
        f"{{ {_colours(*glyph[theme])} }}"
        for theme, mode in (("light", ""), ("dark", '[data-mode="dark"]'))
        for glyph in glyphs()
    ]
    on_paper = rules[: len(rules) // 2]
    dark_on_paper = [rule.replace(".thplab-stage ", '.thplab-stage[data-mode="dark"] ') for rule in on_paper]
    sheet = (_HERE / "stage.css").read_text("utf-8")
    scenes = [_of_scenes(path) for path in sorted((_HERE / "scenes").glob("*.css"))]
    return "\n".join([sheet, *scenes, *rules, "@media print {", *dark_on_paper, "}", ""])


def _of_scenes(path: Path) -> str:
    """The rules for the marks of the scenes that the file is called after: they mean no other scene's."""
    where = ", ".join(f'[data-scene="{scene}"]' for scene in path.stem.split("+"))

    def of_scene(rule: re.Match[str]) -> str:
        selectors = _COMMA.split(rule[1])
        return ", ".join(_MARK.sub(rf"\1.thplab-stage :is({where}) ", each) for each in selectors) + "{"

    return _SELECTORS.sub(of_scene, _COMMENT.sub("", path.read_text("utf-8")))


def _colours(background: str, ink: str) -> str:
    return f"background: {background or 'transparent'}; color: {ink};"


def write(folder: Path) -> None:
    """Write stage.js and stage.css into ``folder``."""
    folder.mkdir(exist_ok=True)
    write_file(folder / "stage.js", javascript())
    write_file(folder / "stage.css", css())


def main() -> None:
    """Write static/stage.js and static/stage.css."""
    write(_HERE / "static")
    print(f"wrote {_HERE / 'static'}/stage.js ({len(javascript())} characters) and stage.css")


if __name__ == "__main__":
    main()
