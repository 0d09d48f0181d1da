"""thplab present: a notebook as slides with live stages, in one file that needs no server."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from thplab.cli_errors import hint, unusable
from thplab.files import write_file

SAYS = "open a notebook as slides, made into one file that needs no server and no network"

EXAMPLES = """The cells' slide metadata says which are slides and which are for the speaker; a notebook that
marks nothing has a slide for each heading. PageDown and PageUp go on and back, s opens the speaker's notes.

examples:
  thplab present 07                           runs notebook 07, writes ./07-....html, opens it
  thplab present 05-who-called-prep-transhuge-page --no-open -o lecture.html
  thplab present my/own.ipynb"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Give the sub-command's parser its arguments."""
    parser.add_argument("notebook", help="number or name of a notebook of the course, or a file")
    parser.add_argument("-o", "--output", metavar="FILE", help="output file (default ./NAME.html)")
    parser.add_argument("--no-open", action="store_true", help="write and print the path, open nothing")
    parser.add_argument(
        "--fresh", action="store_true", help="run the notebook even if the file is up to date"
    )
    parser.set_defaults(run=_present)


def _present(options: argparse.Namespace) -> int:
    from thplab.export.notebook_deck import is_current

    try:
        notebook = _find(options.notebook)
        file = Path(options.output or f"{notebook.stem}.html")
        if options.fresh or not is_current(file, notebook):
            _write(notebook, file)
    except ValueError as error:
        return unusable(str(error))
    print(file)
    if not options.no_open and not webbrowser.open(file.resolve().as_uri()):
        print(f"thplab: no browser could be started; open {file} in one", file=sys.stderr)
    return 0


def _write(notebook: Path, file: Path) -> None:
    from thplab.export.notebook_deck import notebook_deck

    if not file.parent.is_dir():
        raise ValueError(f"{file}: no such folder; make it first, or give another -o")
    text, marked = notebook_deck(notebook)
    write_file(file, text)
    if not marked:
        print(f"thplab: {notebook.name} marks no slides; each heading began one", file=sys.stderr)


def _find(which: str) -> Path:
    """The notebook that was meant. ValueError if there is none."""
    from thplab.host.lab import course_folder

    file = Path(which)
    if file.suffix == ".ipynb" and file.is_file():
        return file
    folder = course_folder()
    if folder is None:
        raise ValueError(f"{which}: no such file, and no notebooks of the course here; name a .ipynb file")
    known = {path.stem: path for path in sorted((folder / "notebooks").glob("*.ipynb"))}
    name = file.name.removesuffix(".ipynb")
    number = f"{name:0>2}-" if name.isdecimal() else None
    found = known.get(name) or next(
        (path for stem, path in known.items() if number and stem.startswith(number)), None
    )
    if found is None:
        raise ValueError(f"no notebook {which!r}{hint(name, known)}")
    return found
