"""Many runs of the model, to see how a result depends on a setting: tables out, figures in thplab.plots.

rows = coverage_sweep(occupancies=(1, 0.5, 0.2), seed=1)
print(rows)                      # a table; rows.csv() for other programs

Each sweep is drawn from its seed, so it comes out the same whoever computes it and on however many
processors. ``executor`` takes any ``concurrent.futures.Executor``: dask.distributed's
``client.get_executor()``, ipyparallel's ``client.executor()``; without one the processors of
this computer are used. A script that is run as a file must guard its main part
(``if __name__ == "__main__":``), as always with processes.
"""

from __future__ import annotations

from thplab.sweeps.columns import column_view
from thplab.sweeps.coverage import CoverageRow, coverage_sweep
from thplab.sweeps.fairness import FairnessRow, fairness_sweep
from thplab.sweeps.hits import HitRow, hit_sweep
from thplab.sweeps.proactive import ProactiveRow, proactiveness_sweep
from thplab.sweeps.rows import Rows
from thplab.sweeps.run import SerialExecutor, sweep
from thplab.sweeps.verdicts import VerdictRow, verdict_sweep

__all__ = [
    "CoverageRow",
    "FairnessRow",
    "HitRow",
    "ProactiveRow",
    "Rows",
    "SerialExecutor",
    "VerdictRow",
    "column_view",
    "coverage_sweep",
    "fairness_sweep",
    "hit_sweep",
    "proactiveness_sweep",
    "sweep",
    "verdict_sweep",
]
