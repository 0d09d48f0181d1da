"""Tests of what leaves the notebook: pages, texts, pictures."""
