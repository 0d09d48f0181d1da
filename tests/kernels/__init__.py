"""Tests of the kernel profiles."""
