"""Open the course in JupyterLab."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import thplab
from thplab.host import warm
from thplab.words import did_you_mean

_PATIENCE = 15  # seconds in which kernels are ended


def course_folder() -> Path | None:
    """The folder with the notebooks: of the checkout that this package runs from, or below here."""
    for parent in (Path(thplab.__file__).parent.parent, here()):
        if parent and (parent / "notebooks" / "00-start-here.ipynb").is_file():
            return parent
    return None


def here() -> Path | None:
    """The folder that the program runs in; None if it is there no longer."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def repository() -> str:
    """The address of the repository, as the installed package knows it."""
    lines = importlib.metadata.metadata("thplab").get_all("Project-URL") or []
    return next((line.partition(", ")[2] for line in lines if line.startswith("Repository,")), "thplab")


def free_port(first: int) -> int:
    """The first port from ``first`` on that nobody listens on. OSError if 50 in a row
    (or all up to 65535) are taken.
    """
    last = min(first + 49, 65535)
    for port in range(first, last + 1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"ports {first} to {last} are all taken; name another with --port")


def lab_command(folder: Path, notebook: str, port: int, *, browser: bool) -> list[str]:
    """The command that serves the course: as root it has to be allowed, without a display none opens.

    The settings of our own keep JupyterLab from asking about news before the first cell has run.
    """
    settings = Path(thplab.__file__).parent / "data" / "jupyterlab"
    command = [
        sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", f"--port={port}",
        f"--LabApp.default_url=/lab/tree/notebooks/{notebook}", f"--LabApp.app_settings_dir={settings}",
        "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    if not browser or not _has_display():
        command.append("--no-browser")
    return command


def lab_environment() -> dict[str, str]:
    """The present environment, with kernels that start warm.

    This Python's folder is the first of the path: JupyterLab's terminals find ``thplab`` there.
    """
    folder = str(Path(sys.executable).parent)
    path = os.pathsep.join(filter(None, (folder, os.environ.get("PATH"))))
    return {**warm.environment(os.environ), "PATH": path}


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _no_notebook(folder: Path, notebook: str) -> str:
    known = sorted(path.name for path in (folder / "notebooks").glob("*.ipynb"))
    return f"no notebook {notebook!r}" + (did_you_mean(notebook, known) or f"; there are {', '.join(known)}")


def lab(notebook: str, port: int, *, browser: bool) -> int:
    """Serve the course until Ctrl-C; 1 if it can't be served, with the reason on stderr."""
    folder = course_folder()
    if folder is None:
        print(
            f"thplab: no notebooks here. To get them: git clone {repository()}, then run thplab lab there.",
            file=sys.stderr,
        )
        return 1
    if not (folder / "notebooks" / notebook).is_file():
        print(f"thplab: {_no_notebook(folder, notebook)}", file=sys.stderr)
        return 2
    if importlib.util.find_spec("jupyterlab") is None:
        print("thplab: JupyterLab is not installed: pip install 'thplab[lab]'", file=sys.stderr)
        return 1
    try:
        chosen = free_port(port)
    except OSError as error:
        print(f"thplab: {error}", file=sys.stderr)
        return 1
    if chosen != port:
        print(f"Port {port} is taken; using {chosen}.")
    print(
        "The course opens in JupyterLab. If no browser appears, open the address printed below.\n"
        "Ctrl-C ends it.",
        flush=True,
    )
    return _serve(lab_command(folder, notebook, chosen, browser=browser))


def _serve(command: list[str]) -> int:
    """Until the server ends, or a signal comes: then the server ends its kernels and itself."""
    server = subprocess.Popen(command, env=lab_environment())  # noqa: S603 - our own list
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.terminate()  # not Ctrl-C, at which it would ask
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        print("thplab: JupyterLab does not end by itself; it is ended", file=sys.stderr)
    finally:
        server.kill()
        server.wait()
