"""thplab export: a scenario as a page, as text, or as a picture of one moment."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from thplab.cli_errors import SCENARIO, hint, kernel_option, print_path, unusable
from thplab.files import write_file

if TYPE_CHECKING:
    from thplab.recording import Recording

SAYS = "write a scenario as a page to step through, as text or as a picture"

_ENDINGS = {"slides": "slides.html", "perfetto": "perfetto.json"}

#: Ending of a file -> what can be in it; the first of them is written if nobody says which.
_WRITTEN_AS = {
    ".html": ("html", "slides"), ".svg": ("svg",), ".png": ("png",), ".pdf": ("pdf",), ".txt": ("text",),
    ".json": ("perfetto",),
}  # fmt: skip

EXAMPLES = """A page needs no Python and no network; a picture is of one moment: --step or --at.

examples:
  thplab export note                          ./note.html: one file, for any browser
  thplab export note --html -o lecture.html --kernel 6.1
  thplab export note --slides                 ./note.slides.html: a deck for a lecture
  thplab export mine.json --slides            a scenario of your own: docs/scenario-format.md
  thplab export note --perfetto               ./note.perfetto.json
  thplab export note --text                   the run in words, from trace line to trace line
  thplab export note --text --granularity function | less
  thplab export note --png --at mm_collapse_huge_page
  thplab export S07.none_411 --pdf --step 300 -o handout.pdf"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Give the sub-command's parser its arguments."""
    parser.add_argument("scenario", help=SCENARIO)
    kernel_option(parser)
    group = parser.add_mutually_exclusive_group()
    for name, says in (
        ("html", "one page that steps, plays, searches and presents (default)"),
        ("slides", "a deck with the live stage in it: the run, each trace line, the end"),
        ("text", "the run as text; with --step or --at one moment in full"),
        ("perfetto", "the lanes as a Chrome trace: open it at ui.perfetto.dev"),
        ("svg", "a picture of one moment"),
        ("png", "the same as pixels"),
        ("pdf", "the same for paper"),
    ):
        group.add_argument(f"--{name}", dest="form", action="store_const", const=name, help=says)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="output file (default ./SCENARIO.html and so on); its extension selects the format",
    )
    parser.add_argument("--step", type=int, metavar="N", help="the moment with this number")
    parser.add_argument("--at", metavar="NAME", help="the first moment of a trace event or a function")
    parser.add_argument(
        "--granularity", default="event", help="which moments the text lists (default event: the story)"
    )
    parser.set_defaults(run=_export, form=None)


def _export(options: argparse.Namespace) -> int:
    from thplab.recording import RecordingTooLong
    from thplab.scenario import Unsupported

    try:
        options.form = _form(options.form, options.output)
        recording = _record(options)
        step = _moment(recording, options.step, options.at)
        return _write(recording, step, options)
    except (ValueError, RecordingTooLong, Unsupported) as error:
        return unusable(str(error))


def _form(asked: str | None, output: str | None) -> str:
    """What is written: as was asked, else as the file's name says. ValueError if the two differ."""
    ending = Path(output or "").suffix.lower()
    allowed = _WRITTEN_AS.get(ending, ())
    if asked is not None and allowed and asked not in allowed:
        wanted = next(each for each, forms in _WRITTEN_AS.items() if asked in forms)
        other = f"end the name in {wanted}, or use --{allowed[0]}"
        raise ValueError(f"{output}: --{asked} does not write {ending} files; {other}")
    return asked or (allowed[0] if allowed else "html")


def _record(options: argparse.Namespace) -> Recording:
    """With its lines, if they fit; for lanes with its functions and what steps cost, so that time goes by."""
    from thplab.ledger import Meter
    from thplab.recording import record_scenario, record_what_fits
    from thplab.scenario.files import find_scenario

    chosen = find_scenario(options.scenario)
    if options.form == "perfetto":
        return record_scenario(chosen, options.kernel, "functions", alongside=Meter)
    return record_what_fits(
        chosen, options.kernel, tell=lambda text: print(f"thplab: {text}", file=sys.stderr)
    )


def _moment(recording: Recording, step: int | None, at: str | None) -> int | None:
    """The moment that was asked for; None: none was. ValueError if it is not in the recording."""
    if step is not None and at is not None:
        raise ValueError("--step and --at both say which moment; give one of them")
    if step is not None and not 0 <= step < len(recording):
        raise ValueError(f"--step {step}: this recording has moments 0 to {len(recording) - 1}")
    if at is None:
        return step
    from thplab.export import named_moments

    moments = named_moments(recording)
    if at not in moments:
        raise ValueError(f"no function or trace event {at!r} in this run{hint(at, moments)}")
    return moments[at]


def _write(recording: Recording, step: int | None, options: argparse.Namespace) -> int:
    from thplab.export import page, perfetto, save_picture, slides

    if options.form == "text":
        return _write_text(recording, step, options)
    path = Path(options.output or f"{_stem(options.scenario)}.{_ENDINGS.get(options.form, options.form)}")
    if options.form == "html":
        write_file(path, page(recording, step or 0))
    elif options.form == "perfetto":
        write_file(path, perfetto(recording))
    elif options.form == "slides":
        write_file(path, slides(recording, step or 0))
    else:
        save_picture(recording, len(recording) - 1 if step is None else step, path, options.form)
    print_path(path)
    return 0


def _stem(scenario: str) -> str:
    """Its name, or that of its file: mine of some/mine.json, mine-2 of mine.jsonl#2."""
    path, hash_, number = scenario.partition("#")
    name = Path(path)
    return (name.stem if name.suffix in (".json", ".jsonl") else name.name) + f"-{number}" * bool(hash_)


def _write_text(recording: Recording, step: int | None, options: argparse.Namespace) -> int:
    from thplab.export import tell

    told = tell(recording, options.granularity, step)
    if options.output is None:
        for line in told:
            print(line)
        return 0
    write_file(options.output, "".join(f"{line}\n" for line in told))
    print_path(options.output)
    return 0
