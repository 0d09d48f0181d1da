"""Each name of ``thplab.sweeps`` with its module, for the package, type checkers and editors."""

from .columns import column_view as column_view
from .coverage import CoverageRow as CoverageRow, coverage_sweep as coverage_sweep
from .fairness import FairnessRow as FairnessRow, fairness_sweep as fairness_sweep
from .hits import HitRow as HitRow, hit_sweep as hit_sweep
from .proactive import ProactiveRow as ProactiveRow, proactiveness_sweep as proactiveness_sweep
from .rows import Rows as Rows
from .run import SerialExecutor as SerialExecutor, sweep as sweep
from .verdicts import VerdictRow as VerdictRow, verdict_sweep as verdict_sweep
