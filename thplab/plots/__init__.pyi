"""Each name of ``thplab.plots`` with its module, for the package, type checkers and editors."""

from .bills import bill_plot as bill_plot
from .coverage import coverage_plot as coverage_plot
from .fairness import fairness_plot as fairness_plot
from .hits import hit_plot as hit_plot
from .ladder import ladder_plot as ladder_plot
from .lanes import lanes_plot as lanes_plot
from .plot import Plot as Plot
from .proactive import proactiveness_plot as proactiveness_plot
from .reach import reach_plot as reach_plot
from .thresholds import threshold_plot as threshold_plot
from .timeline import timeline_plot as timeline_plot
from .verdicts import verdict_plot as verdict_plot
