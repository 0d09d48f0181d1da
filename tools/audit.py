"""What this package brings with it: licences, and known vulnerabilities where their database can be reached.

python -m tools.audit

The licences are those that the installed packages state. The vulnerabilities come from https://osv.dev, which
is asked for name and version of each package in requirements.lock. The exit status is 1 if one is known, or
if a licence is not one of those below.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
_NOT_STATED = "not stated"
_DATABASE = "https://api.osv.dev/v1/querybatch"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)

#: Licences under which packages may come: words that are found in what they state.
ACCEPTED = (
    "MIT", "BSD", "Apache", "ISC", "MPL", "Mozilla", "PSF", "Python Software Foundation", "HPND", "Zlib",
    "Unlicense", "Public Domain", "CC0", "0BSD", "BlueOak", "Historical Permission Notice", "MIT-CMU", "curl",
)  # fmt: skip


def pinned(lock: str) -> list[tuple[str, str]]:
    """Name and version of each package, as a lock file has them; one name may have several versions."""
    return _PIN.findall(lock)


def licence_of(stated: Any) -> str:
    """What a package states: an expression, else classifiers, else the first line of the text."""
    if expression := stated.get("License-Expression"):
        return str(expression)
    classifiers = stated.get_all("Classifier") or []
    named = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")]
    told = [name for name in named if name != "OSI Approved"]
    text = str(stated.get("License") or "").strip()
    return ", ".join(told) or (text.splitlines()[0] if text else _NOT_STATED)


def _licence(package: metadata.Distribution) -> str:
    """What it states, else the first line of the licence that it brings with it."""
    stated = licence_of(package.metadata)
    texts = (each.read_text("utf-8") for each in package.files or () if each.stem.upper() == "LICENSE")
    return next(texts, stated).strip().splitlines()[0] if stated == _NOT_STATED else stated


def licences(names: Iterable[str]) -> dict[str, list[str]]:
    """licence -> packages; those that are not installed are under ``not installed``."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        try:
            found[_licence(metadata.distribution(name))].append(name)
        except metadata.PackageNotFoundError:
            found["not installed"].append(name)
    return dict(sorted(found.items()))


def is_accepted(licence: str) -> bool:
    """Is it one of ACCEPTED? What is not installed here brings none."""
    words = re.compile("|".join(rf"\b{re.escape(word)}" for word in ACCEPTED), re.IGNORECASE)
    return licence == "not installed" or bool(words.search(licence))


def _ask(query: bytes) -> bytes:
    request = urllib.request.Request(_DATABASE, query, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def vulnerabilities(
    packages: Sequence[tuple[str, str]], ask: Callable[[bytes], bytes] = _ask
) -> dict[str, list[str]]:
    """``name version`` -> ids of what is known of it. Raises OSError where the database can't be asked."""
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": each} for name, each in packages]
    results = json.loads(ask(json.dumps({"queries": queries}).encode()))["results"]
    told = zip(packages, results, strict=True)
    found = {" ".join(which): [each["id"] for each in result.get("vulns", ())] for which, result in told}
    return {which: ids for which, ids in found.items() if ids}


def main(ask: Callable[[bytes], bytes] = _ask) -> int:
    """Print both; 1 if something is not as it should be."""
    packages = pinned(LOCK.read_text("utf-8"))
    names = sorted({name for name, _ in packages})
    print(f"{len(names)} packages in {LOCK.name}\n\nLicences:")
    bad = False
    for licence, which in licences(names).items():
        accepted = is_accepted(licence)
        bad = bad or not accepted
        said = "" if accepted else f": {', '.join(which)}"
        print(f"  {' ' if accepted else 'x'} {licence}: {len(which)}{said}")
    print("\nKnown vulnerabilities:")
    try:
        known = vulnerabilities(packages, ask)
    except (OSError, ValueError, KeyError) as error:
        print(f"  not checked: {_DATABASE} can't be asked ({error})")
        return int(bad)
    for package, ids in known.items():
        print(f"  x {package}: {', '.join(ids)}")
    if not known:
        print("  none")
    return int(bad or bool(known))


if __name__ == "__main__":
    sys.exit(main())
