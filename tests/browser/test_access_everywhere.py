"""axe-core has nothing serious to say about any scene and any set of views, in the light and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser.modules import as_text, page_with_modules
from tests.browser.test_access import OF_COLOUR, serious
from tests.browser.test_letters import MOUNT, SETS, SHOW
from tests.browser.test_scenes import SEEN_IN, recorded
from tests.sampling import sample
from thplab.recording import Recording
from thplab.recording.derive.focus import SCENES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
#: In the dark only colours can be judged otherwise.
RULES: dict[Scheme, tuple[str, ...]] = {"light": (), "dark": OF_COLOUR}
SCENE_CASES = [(scene, scheme) for scene in SEEN_IN for scheme in RULES]
SET_CASES = [(name, scheme) for name in SETS for scheme in RULES]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = page_with_modules(browser)
    page.evaluate("() => { document.documentElement.lang = 'en'; }")
    yield page
    page.close()


def found(
    page: Page, recording: Recording, names: list[str], steps: list[int], scheme: Scheme
) -> set[tuple[str, str]]:
    """What axe finds in some views at some moments, also presented."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(MOUNT, [as_text(recording), names])
    bad: set[tuple[str, str]] = set()
    for presenting in (False, True):
        for step in steps:
            page.evaluate(SHOW, [step, presenting])
            page.wait_for_timeout(150)
            bad |= set(serious(page, rules=RULES[scheme]))
    return bad


def of_scene(page: Page, scene: str, scheme: Scheme, count: int) -> set[tuple[str, str]]:
    name, kernel = SEEN_IN[scene][0]
    recording = recorded(name, kernel)
    shown = recording.sections["m_scene"]
    moments = [n for n, each in enumerate(shown) if each == SCENES.index(scene)]
    return found(page, recording, ["scene"], sample(moments, count), scheme)


@pytest.mark.parametrize(("scene", "scheme"), sample(SCENE_CASES, 2))
def test_a_scene_is_accessible(page: Page, scene: str, scheme: Scheme) -> None:
    assert of_scene(page, scene, scheme, 2) == set()


@pytest.mark.parametrize(("name", "scheme"), sample(SET_CASES, 2))
def test_a_set_of_views_is_accessible(page: Page, note: Recording, name: str, scheme: Scheme) -> None:
    assert found(page, note, SETS[name], sample(range(len(note)), 1), scheme) == set()


@pytest.mark.long
@pytest.mark.parametrize(("scene", "scheme"), SCENE_CASES)
def test_every_scene_is_accessible(page: Page, scene: str, scheme: Scheme) -> None:
    assert of_scene(page, scene, scheme, 6) == set()


@pytest.mark.long
@pytest.mark.parametrize(("name", "scheme"), SET_CASES)
def test_every_set_of_views_is_accessible(page: Page, note: Recording, name: str, scheme: Scheme) -> None:
    assert found(page, note, SETS[name], sample(range(len(note)), 4), scheme) == set()


def test_low_contrast_in_a_scene_is_found(page: Page, note: Recording) -> None:
    page.emulate_media(color_scheme="light")
    page.evaluate(MOUNT, [as_text(note), ["scene", "locks"]])
    page.add_style_tag(content=".thplab-stage .ts-said { color: #ddd !important; }")
    assert {rule for rule, _ in serious(page)} == {"color-contrast"}
