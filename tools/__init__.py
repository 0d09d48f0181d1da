"""Programs that make files of the project: ``python -m tools.NAME``. None of them is installed."""
