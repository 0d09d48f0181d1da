"""The picture of a process has two words for refusals: of results that there are."""

from __future__ import annotations

import re
from pathlib import Path

from thplab import stage
from thplab.kernels import ScanResult

BOXES = Path(stage.__file__).parent / "js" / "scenes" / "process_boxes.js"


def test_two_words_are_for_results_that_the_kernel_has() -> None:
    [table] = re.findall(r"const WHY = .*?\(\{(.*?)\}\);", BOXES.read_text("utf-8"), re.DOTALL)
    results = re.findall(r"^\s+(\w+):", table, re.MULTILINE)
    assert len(results) > 10
    assert set(results) <= {result.value for result in ScanResult}
