"""The template engines that are compared: what each is called with, how it is installed, how it is run.

Where the documentation of an engine describes its fastest mode is said in its script under ``peers/``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import CACHE, ROOT, pinned
from dialects import Carbone, Dialect, DocxTemplates, EasyTemplate, Mustache

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "peers"
_PATIENCE = 900  # seconds


class Unavailable(Exception):
    """An engine that cannot be installed or run here, with the reason."""


@dataclass(frozen=True)
class Engine:
    """A template engine: its script, where that runs, what it reads, and its two modes in words.

    `runtime` is here (this Python), venv (a Python of its own) or node; `shape` names the form of the data:
    report (as exchanged), context (as the template sees it), nested or flat (texts cut into paragraphs).
    """

    name: str
    script: str
    runtime: str
    shape: str
    dialect: Dialect | None
    cold: str
    warm: str


ENGINES = (
    Engine(
        name="nianbao",
        script="nianbao",
        runtime="here",
        shape="report",
        dialect=None,
        cold="`compile_template(bytes)`, `render(report)`",
        warm="`load_pack()` once, `render(report)`",
    ),
    Engine(
        name="nianbao, from a dict",
        script="nianbao-dict",
        runtime="here",
        shape="report",
        dialect=None,
        cold="`report_from_data` (types every value), then as above",
        warm="`report_from_data` (types every value), then as above",
    ),
    Engine(
        name="docxtpl",
        script="docxtpl",
        runtime="here",
        shape="context",
        dialect=None,
        cold="`DocxTemplate(bytes)`, `render`, `save`",
        warm="one `DocxTemplate` kept (“multiple rendering”)",
    ),
    Engine(
        name="rust-docxtpl",
        script="rust-docxtpl",
        runtime="venv",
        shape="context",
        dialect=None,
        cold="as docxtpl, its caches off",
        warm="as docxtpl, its caches and `accel` on",
    ),
    Engine(
        name="Carbone",
        script="carbone",
        runtime="node",
        shape="nested",
        dialect=Carbone(),
        cold="`carbone.render(path)`",
        warm="the same: no way to keep a template is documented",
    ),
    Engine(
        name="docxtemplater",
        script="docxtemplater",
        runtime="node",
        shape="flat",
        dialect=Mustache(),
        cold="`new PizZip(bytes)`, `render`, `toBuffer`",
        warm="zip read once and cloned, deflate level 1: a document renders only once",
    ),
    Engine(
        name="docx-templates",
        script="docx-templates",
        runtime="node",
        shape="nested",
        dialect=DocxTemplates(),
        cold="`createReport({template: bytes})`",
        warm="the same with `noSandbox: true`",
    ),
    Engine(
        name="easy-template-x",
        script="easy-template-x",
        runtime="node",
        shape="flat",
        dialect=EasyTemplate(),
        cold="`new TemplateHandler().process(bytes)`",
        warm="one handler kept: no way to keep a template is documented",
    ),
)


def run(engine: Engine, job: Mapping[str, Any], job_file: Path) -> dict[str, Any]:
    """Let an engine do a job in a process of its own; return what it printed. Raises Unavailable."""
    command, environment = _command(engine)
    job_file.write_text(json.dumps(job), encoding="utf-8")
    printed = _call(pinned([*command, str(job_file)]), environment).strip()
    try:
        timing: dict[str, Any] = json.loads(printed.rpartition("\n")[2])
    except ValueError as error:
        raise Unavailable(f"printed {printed[-80:]!r} instead of a timing") from error
    return timing


def _command(engine: Engine) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs an engine and its environment; installs the engine where it is missing."""
    if engine.runtime == "node":
        modules = _node_modules()
        return [_program("node"), str(SCRIPTS / f"{engine.script}.js")], {"NODE_PATH": str(modules)}
    python = sys.executable if engine.runtime == "here" else _own_python()
    return [python, str(SCRIPTS / "python_engine.py"), engine.script], {"PYTHONPATH": str(HERE)}


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"{name} is not installed")
    return found


def _node_modules() -> Path:
    """Return the folder of the Node packages."""
    folder, pins = _cache("node"), SCRIPTS / "package.json"

    def install() -> None:
        shutil.copy(pins, folder)
        quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
        _call([_program("npm"), "install", *quiet, "--prefix", str(folder)])

    _once(folder, pins, install)
    return folder / "node_modules"


def _own_python() -> str:
    """Return the Python of the environment that has rust-docxtpl."""
    folder, pins = _cache("rust-docxtpl"), SCRIPTS / "rust-docxtpl.txt"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def install() -> None:
        _call([sys.executable, "-m", "venv", "--clear", str(folder)])
        quiet = ("-q", "--disable-pip-version-check", "--only-binary", ":all:")
        _call([str(python), "-m", "pip", "install", *quiet, "-r", str(pins)])

    _once(folder, pins, install)
    return str(python)


def _cache(name: str) -> Path:
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


_failed: dict[Path, Unavailable] = {}


def _once(folder: Path, pins: Path, install: Callable[[], None]) -> None:
    """Install what `pins` says unless that was done before; what failed is not tried again in this run."""
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_bytes() == pins.read_bytes():
        return
    if pins in _failed:
        raise _failed[pins]
    print(f"installing {pins.name}", file=sys.stderr, flush=True)
    try:
        install()
    except Unavailable as error:
        _failed[pins] = error
        raise
    shutil.copy(pins, stamp)


def _call(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Return what a command prints; raises Unavailable with the most telling line of its complaint."""
    everything = {**os.environ, **(environment or {})}
    try:
        done = subprocess.run(
            command,
            env=everything,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(_complaint(str(error))) from error
    if done.returncode:
        raise Unavailable(_complaint(done.stderr or done.stdout) or f"exit status {done.returncode}")
    return done.stdout


def _complaint(text: str) -> str:
    """Return the line of an error output that says most: npm begins with it, others end with it."""
    lines = [line.strip() for line in text.replace(f"{ROOT}{os.sep}", "").splitlines() if line.strip()]
    for line in lines:
        if line.startswith("npm error") and not line.startswith("npm error code"):
            return line[:160]
    telling = [line for line in lines if "rror" in line and not line.startswith("at ")]
    return (telling or lines or [""])[-1][:160]
