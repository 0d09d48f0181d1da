"""Recordings that the tests of reading share with those of the stage."""

from tests.stage.conftest import events, note, refused, small  # noqa: F401 # fixtures
