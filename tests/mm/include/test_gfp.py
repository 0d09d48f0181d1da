"""Masks, checked against the kernel's hex values."""

from __future__ import annotations

from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_TRANSHUGE, GFP_TRANSHUGE_LIGHT, gfp_names


def test_masks():
    """Are the masks the numbers that a debugger shows?"""
    assert GFP_TRANSHUGE == 0x1C24CA == 1844426
    assert GFP_TRANSHUGE_LIGHT == 0x1C20CA
    assert GFP_HIGHUSER_MOVABLE == 0x100CCA


def test_names():
    """Which flags are in the note's gfp=1844426?"""
    assert gfp_names(1844426) == (
        "HIGHMEM",
        "MOVABLE",
        "IO",
        "FS",
        "DIRECT_RECLAIM",
        "NOWARN",
        "COMP",
        "NOMEMALLOC",
        "HARDWALL",
    )
    assert gfp_names(0) == ()
    assert "KSWAPD_RECLAIM" not in gfp_names(GFP_TRANSHUGE)
