"""Waiting until the picture says what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, LocatorAssertions


def expect(locator: Locator) -> LocatorAssertions:
    """What a key brings about is painted a little later: wait for it."""
    from playwright.sync_api import expect as expected

    return expected(locator)
