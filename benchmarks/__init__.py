"""Measurements: ``make bench``. Each prints its median and spread, and how it was measured."""
