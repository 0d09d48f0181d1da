"""Tests that need Chromium and JupyterLab."""
