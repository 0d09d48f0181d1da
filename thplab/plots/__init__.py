"""Figures of sweeps and runs, each with the same content as a table and a sentence on how to read it.

plot = coverage_plot(coverage_sweep())
plot                       # in a notebook; plot.figure, plot.table and plot.sentence anywhere
plot.save("coverage.png")  # or .svg, .pdf

They need no display. matplotlib is imported when the first figure is drawn, not before.
"""

from __future__ import annotations

from thplab.plots.bills import bill_plot
from thplab.plots.coverage import coverage_plot
from thplab.plots.fairness import fairness_plot
from thplab.plots.hits import hit_plot
from thplab.plots.ladder import ladder_plot
from thplab.plots.lanes import lanes_plot
from thplab.plots.plot import Plot
from thplab.plots.proactive import proactiveness_plot
from thplab.plots.reach import reach_plot
from thplab.plots.thresholds import threshold_plot
from thplab.plots.timeline import timeline_plot
from thplab.plots.verdicts import verdict_plot

__all__ = [
    "Plot",
    "bill_plot",
    "coverage_plot",
    "fairness_plot",
    "hit_plot",
    "ladder_plot",
    "lanes_plot",
    "proactiveness_plot",
    "reach_plot",
    "threshold_plot",
    "timeline_plot",
    "verdict_plot",
]
