"""Which notebooks are the course's own, so that running them needs no question."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import thplab

#: Name of a notebook -> the digest of its code; ``make notebooks`` writes it, and a test compares.
DIGESTS = Path(thplab.__file__).parent / "data" / "course.json"


def is_ours(path: Path, notebook: Any) -> bool:
    """Does it run what this thplab came with: the same code, in the folder beside the package?

    The folder counts since Python imports from it. Prose, slide marks and outputs may have changed.
    """
    folder = Path(thplab.__file__).resolve().parents[1] / "notebooks"
    known: dict[str, str] = json.loads(DIGESTS.read_text("utf-8"))
    return path.resolve().parent == folder and known.get(path.resolve().stem) == digest(notebook)


def digest(notebook: Any) -> str:
    """Of what runs: the code cells and the kernel that is asked for."""
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return sha256(json.dumps([kernel, code]).encode()).hexdigest()
