"""Scenarios: experiments as data, the named ones, and running them on the model."""

from thplab.scenario.build import experiment
from thplab.scenario.data import MachineSpec, Scenario
from thplab.scenario.errors import ScenarioError, Unsupported
from thplab.scenario.named import NAMED, scenario
from thplab.scenario.run import ScenarioRun
from thplab.scenario.start import run_scenario
from thplab.scenario.vary import vary

__all__ = [
    "NAMED",
    "MachineSpec",
    "Scenario",
    "ScenarioError",
    "ScenarioRun",
    "Unsupported",
    "experiment",
    "run_scenario",
    "scenario",
    "vary",
]
