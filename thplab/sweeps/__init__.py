"""Many runs of the model, to see how a result depends on a setting: tables out, figures in thplab.plots.

rows = coverage_sweep(occupancies=(1, 0.5, 0.2), seed=1)
print(rows)                      # a table; rows.csv() for other programs

Each sweep is drawn from its seed, so it comes out the same whoever computes it and on however many
processors. ``executor`` takes any ``concurrent.futures.Executor``: dask.distributed's
``client.get_executor()``, ipyparallel's ``client.executor()``; without one the processors of
this computer are used. A script that is run as a file must guard its main part
(``if __name__ == "__main__":``), as always with processes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
