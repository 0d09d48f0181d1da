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
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
_DATABASE = "https://api.osv.dev/v1/querybatch"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)

#: Licences under which packages may come: words that are found in what they state.
ACCEPTED = (
    "MIT", "BSD", "Apache", "ISC", "MPL", "Mozilla", "PSF", "Python Software Foundation", "HPND", "Zlib",
    "Unlicense", "Public Domain", "CC0", "0BSD", "BlueOak", "Historical Permission Notice", "MIT-CMU", "curl",
)  # fmt: skip


def pinned(lock: str) -> dict[str, str]:
    """name -> version, as a lock file has them."""
    return dict(_PIN.findall(lock))


def licence_of(stated: Any) -> str:
    """What a package's metadata say: the expression, else its classifiers, else the first line of the text."""
    if expression := stated.get("License-Expression"):
        return str(expression)
    classifiers = stated.get_all("Classifier") or []
    named = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")]
    told = [name for name in named if name != "OSI Approved"]
    text = str(stated.get("License") or "").strip()
    return ", ".join(told) or (text.splitlines()[0] if text else "not stated")


def licences(names: Iterable[str]) -> dict[str, list[str]]:
    """licence -> packages; those that are not installed are under ``not installed``."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        try:
            found[licence_of(metadata.metadata(name))].append(name)
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
    packages: Mapping[str, str], ask: Callable[[bytes], bytes] = _ask
) -> dict[str, list[str]]:
    """name -> ids of what is known of that version. Raises OSError where the database can't be asked."""
    names = list(packages)
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": packages[name]} for name in names]
    results = json.loads(ask(json.dumps({"queries": queries}).encode()))["results"]
    found = {
        name: [each["id"] for each in result.get("vulns", ())]
        for name, result in zip(names, results, strict=True)
    }
    return {name: ids for name, ids in found.items() if ids}


def main(ask: Callable[[bytes], bytes] = _ask) -> int:
    """Print both; 1 if something is not as it should be."""
    packages = pinned(LOCK.read_text("utf-8"))
    print(f"{len(packages)} packages in {LOCK.name}\n\nLicences:")
    bad = False
    for licence, names in licences(packages).items():
        accepted = is_accepted(licence)
        bad = bad or not accepted
        print(
            f"  {' ' if accepted else 'x'} {licence}: {len(names)}{'' if accepted else ': ' + ', '.join(names)}"
        )
    print("\nKnown vulnerabilities:")
    try:
        known = vulnerabilities(packages, ask)
    except (OSError, ValueError, KeyError) as error:
        print(f"  not checked: {_DATABASE} can't be asked ({error})")
        return int(bad)
    for name, ids in known.items():
        print(f"  x {name} {packages[name]}: {', '.join(ids)}")
    if not known:
        print("  none")
    return int(bad or bool(known))


if __name__ == "__main__":
    sys.exit(main())
