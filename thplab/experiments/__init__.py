"""Experiments that are programs on a machine: the comb, eight ways to a huge page, nine cases of why not."""
