"""What can be wrong with a scenario."""

from __future__ import annotations


class ScenarioError(ValueError):
    """The data is not a scenario: says which key is wrong and what is allowed there."""


class Unsupported(Exception):
    """A correct scenario that asks for something the model does not have; says what."""
