"""Figures of sweeps and runs, each with the same content as a table and a sentence on how to read it.

plot = coverage_plot(coverage_sweep())
plot                       # in a notebook; plot.figure, plot.table and plot.sentence anywhere
plot.save("coverage.png")  # or .svg, .pdf

They need no display. matplotlib is imported when the first figure is drawn, not before.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
