"""thplab: a model of Linux transparent huge pages to step through, checked against real kernels."""

__version__ = "0.1.0"
