"""Tests of the stage: build, text twin, widget."""
