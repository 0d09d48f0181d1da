"""Run by each kernel of ``thplab lab`` before its first cell (PYTHONSTARTUP): see :mod:`thplab.host.warm`."""

# Run among the reader's own names, of which it adds none.
__import__("thplab.host.warm", fromlist=["load"]).load()
