"""thplab present: a notebook as slides with live stages, in one file that needs no server."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from thplab.cli_errors import hint, print_path, unusable
from thplab.files import write_file

SAYS = "open a notebook as slides, made into one file that needs no server and no network"

EXAMPLES = """The cells' slide metadata says which are slides and which are for the speaker; a notebook that
marks nothing has a slide for each heading. PageDown and PageUp go on and back, s opens the speaker's notes.

Slides are made by running the notebook's code, with your rights: it can read, change and send whatever you
can. A notebook that is not the course's own, or whose code was changed, is run only when you say so; what is
up to date is not run. In the slides none of its scripts run, and nothing is loaded from outside.

examples:
  thplab present 07                           runs notebook 07, writes ./07-....html, opens it
  thplab present 05-who-called-prep-transhuge-page --no-open -o lecture.html
  thplab present my/own.ipynb                 asks first
  thplab present my/own.ipynb --yes           runs it"""

_QUESTION = (
    "{notebook} is not a notebook of this course, or its code was changed. Slides are made by running its "
    "code, with your rights: it can read, change and send whatever you can. Run it? [y/N] "
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Give the sub-command's parser its arguments."""
    parser.add_argument("notebook", help="number or name of a notebook of the course, or a file")
    parser.add_argument("-o", "--output", metavar="FILE", help="output file (default ./NAME.html)")
    parser.add_argument("--no-open", action="store_true", help="write and print the path, open nothing")
    parser.add_argument(
        "--fresh", action="store_true", help="run the notebook even if the file is up to date"
    )
    parser.add_argument(
        "--yes", action="store_true", help="run the code of a notebook that is not the course's own, unasked"
    )
    parser.set_defaults(run=_present)


def _present(options: argparse.Namespace) -> int:
    from thplab.export.notebook_deck import is_current

    try:
        notebook = _find(options.notebook)
        file = _checked(Path(options.output or f"{notebook.stem}.html"))
        if (options.fresh or not is_current(file, notebook)) and not _write(notebook, file, options.yes):
            print("thplab: nothing was run and nothing was written", file=sys.stderr)
            return 1
    except ValueError as error:
        return unusable(str(error))
    print_path(file)
    if not options.no_open and not webbrowser.open(file.resolve().as_uri()):
        print(f"thplab: no browser could be started; open {file} in one", file=sys.stderr)
    return 0


def _checked(file: Path) -> Path:
    """A file that could be written. ValueError if it could not, before a notebook runs for a minute."""
    if file.is_dir():
        raise ValueError(f"{file}: a folder; give -o the name of a file in it")
    if not file.parent.is_dir():
        raise ValueError(f"{file}: no such folder; make it first, or give another -o")
    return file


def _write(notebook: Path, file: Path, yes: bool) -> bool:
    """Run it and write its deck; False if that is not wanted. ValueError if it can't be asked or done."""
    from thplab.export.notebook_deck import notebook_deck, prepared
    from thplab.export.ours import is_ours

    read = prepared(notebook)
    if not yes and not is_ours(notebook, read) and not _is_wanted(notebook):
        return False
    text, marked = notebook_deck(notebook, read, _tell)
    write_file(file, text)
    if not marked:
        _tell(f"{notebook.name} marks no slides; each heading began one")
    return True


def _is_wanted(notebook: Path) -> bool:
    """Ask on the terminal. ValueError if there is none."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise ValueError(
            f"{notebook}: not a notebook of this course, or its code was changed. Slides are made by running "
            "its code, with your rights, and nobody can be asked here: if you trust it, add --yes"
        )
    print(_QUESTION.format(notebook=notebook), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _tell(sentence: str) -> None:
    print(f"thplab: {sentence}", file=sys.stderr)


def _find(which: str) -> Path:
    """The notebook that was meant. ValueError if there is none."""
    from thplab.host.lab import course_folder

    file = Path(which)
    if file.suffix == ".ipynb" and file.exists():
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
