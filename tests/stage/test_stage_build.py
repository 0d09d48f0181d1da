"""The joined module and the style sheet."""

from __future__ import annotations

import re
from os.path import normpath
from pathlib import Path, PurePath
from statistics import median

import pytest

from thplab.stage import build

HERE = Path(build.__file__).parent
SOURCES = sorted((HERE / "js").rglob("*.js"))


def test_every_module_is_joined() -> None:
    joined = build.javascript()
    for path in SOURCES:
        if path.name != "widget.js":
            scope = "_".join(path.relative_to(HERE / "js").with_suffix("").parts)
            assert f"const m_{scope} = (() => {{" in joined
    assert "const m_data_glyphs = (() => {" in joined


def test_only_the_end_exports() -> None:
    lines = build.javascript().splitlines()
    assert not [line for line in lines if re.match(r"\s*import[\s{]", line)]
    assert [line for line in lines if line.startswith("export")] == [
        "export default { stage: render, goOn, keep, kernelOf };",
        "export { mount, mountPair };",
    ]


def test_no_network_no_html_no_eval() -> None:
    text = build.javascript() + build.css()
    for forbidden in (
        "http:", "https:", "fetch(", "XMLHttpRequest", "WebSocket", "innerHTML", "outerHTML",
        "insertAdjacentHTML", "document.write", "eval(", "new Function", "import(", "@import", "url(",
    ):  # fmt: skip
        assert forbidden not in text, forbidden


def test_modules_are_small() -> None:
    lengths = [len(path.read_text("utf-8").splitlines()) for path in SOURCES]
    assert max(lengths) <= 400
    assert median(lengths) < 150


def test_imports_run_downwards() -> None:
    floors = ["data", "state", "draw", "scenes", "views", "controls", "."]
    for name, text in build.modules().items():
        for wanted in re.findall(r'^import .*? from "([^"]+)";', text, re.MULTILINE | re.DOTALL):
            above, below = PurePath(name).parent, PurePath(normpath(PurePath(name).parent / wanted)).parent
            assert floors.index(str(below)) <= floors.index(str(above)), f"{name} imports {wanted}"


def test_an_import_that_leads_nowhere_is_named() -> None:
    sources = {"widget.js": 'import { a } from "./gone.js";\n'}
    with pytest.raises(ValueError, match=r"widget\.js imports gone\.js"):
        build.module_order(sources)


def test_a_circle_of_imports_is_named() -> None:
    sources = {
        "widget.js": 'import { a } from "./data/a.js";\n',
        "data/a.js": 'import { b } from "../views/b.js";\n',
        "views/b.js": 'import { a } from "../data/a.js";\n',
    }
    with pytest.raises(ValueError, match=r"data/a\.js -> views/b\.js -> data/a\.js"):
        build.module_order(sources)


def test_an_unused_module_is_named() -> None:
    with pytest.raises(ValueError, match=r"nothing imports: lost\.js"):
        build.module_order({"widget.js": "", "lost.js": ""})


def test_every_rule_is_about_the_stage() -> None:
    text = re.sub(r"/\*.*?\*/", "", build.css(), flags=re.DOTALL)
    text = re.sub(r"@[\w-]+[^{;]*\{", "", text)
    for selectors in re.findall(r"([^{}]+)\{", text):
        for selector in re.sub(r"\([^)]*\)", "", selectors).split(","):
            assert selector.strip().startswith(".thplab-stage"), selector


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def palette(mode: str) -> dict[str, str]:
    sheet = (HERE / "stage.css").read_text("utf-8")
    light, dark = (
        re.search(pattern, sheet, re.DOTALL)
        for pattern in (r"\.thplab-stage \{(.*?)\}", r'"dark"\] \{(.*?)\}')
    )
    assert light
    assert dark
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", light[1]))
    return colours if mode == "light" else {**colours, **dict(re.findall(r"--([\w-]+): (#\w{6})", dark[1]))}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_glyphs_can_be_told_apart_and_read(mode: str) -> None:
    paper = palette(mode)["paper"]
    glyphs = build.glyphs()
    assert len({glyph["glyph"] for glyph in glyphs}) == len(glyphs)
    assert len({glyph["name"] for glyph in glyphs}) == len(glyphs)
    for glyph in glyphs:
        background, ink = glyph[mode]
        assert contrast(background or paper, ink) >= 4.5, glyph["key"]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_can_be_read(mode: str) -> None:
    colours = palette(mode)
    for ink in ("ink", "quiet", "hot", "accent", "string", "comment", "word", "name"):
        for background in ("paper", "wash"):
            assert contrast(colours[background], colours[ink]) >= 4.5, (ink, background)
    for ink in ("ink", "word", "string", "name", "comment"):
        assert contrast(colours["mark"], colours[ink]) >= 4.5, (ink, "mark")
    for ink in ("ink", "quiet"):
        assert contrast(colours["new"], colours[ink]) >= 4.5, (ink, "new")
    assert contrast(colours["accent"], colours["on-accent"]) >= 4.5
    assert contrast(colours["paper"], colours["cursor"]) >= 3


def test_main_writes_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build.write(tmp_path)
    assert (tmp_path / "stage.js").read_text("utf-8") == build.javascript()
    assert (tmp_path / "stage.css").read_text("utf-8") == build.css()
