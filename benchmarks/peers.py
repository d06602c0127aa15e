"""Time to fill the statutory form with one report: nianbao, docxtpl, and five other template engines.

    python benchmarks/peers.py [--reports N] [--rounds N] [--out FILE]

Every engine fills the same form with the same data, from the template to the bytes of a finished .docx, as a
process of its own on one core that times itself after warming up. The engines take turns, round after round, so
that a machine that gets slower slows all of them. Each output is opened and compared, figure by figure, with
what the data say.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import CACHE, ROOT, Spread, machine, markdown_table, number, pinned, spread
from dialects import Carbone, Dialect, DocxTemplates, EasyTemplate, Mustache, flat, nested, text_paths, translate
from outputs import Expected, empty_paragraphs, expected, problems

from nianbao.context import template_context
from nianbao.pack import load_pack
from nianbao.pipeline import report_from_data

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "peers"
REPORT = ROOT / "examples" / "cn-ogi" / "2021" / "reports.json"
MODES = ("cold", "warm")


class Unavailable(Exception):
    """An engine that cannot be installed or run here, with the reason."""


@dataclass(frozen=True)
class Engine:
    """A template engine: where it runs, what it reads, and what its two modes are."""

    name: str
    runtime: str  # here, venv or node
    shape: str  # of the data: report, context, nested or flat
    dialect: Dialect | None
    cold: str
    warm: str


ENGINES = (
    Engine("nianbao", "here", "report", None, "`compile_template`, `render`", "`load_pack` once, `render`"),
    Engine(
        "docxtpl",
        "here",
        "context",
        None,
        "`DocxTemplate(bytes)`, `render`, `save`",
        "one `DocxTemplate`, “multiple rendering”",
    ),
    Engine(
        "rust-docxtpl",
        "venv",
        "context",
        None,
        "as docxtpl, caches off",
        "one `DocxTemplate`, its caches and `accel` on",
    ),
    Engine(
        "Carbone", "node", "nested", Carbone(), "`carbone.render(path)`", "the same; no cache is documented"
    ),
    Engine(
        "docxtemplater",
        "node",
        "flat",
        Mustache(),
        "`new PizZip(bytes)`, `render`, `toBuffer`",
        "zip read once and cloned, deflate level 1; no compiled template can be kept",
    ),
    Engine("docx-templates", "node", "nested", DocxTemplates(), "`createReport`", "`noSandbox: true`"),
    Engine(
        "easy-template-x",
        "node",
        "flat",
        EasyTemplate(),
        "`new TemplateHandler().process`",
        "one handler; no cache is documented",
    ),
)


@dataclass
class Result:
    """What an engine did: its timings by mode, its versions, what was wrong, and why it did not run."""

    engine: Engine
    wall: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    versions: dict[str, str] = field(default_factory=dict)
    sizes: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    checked: int = 0
    empty: int = 0
    failure: str = ""

    def spread(self, mode: str) -> Spread | None:
        """Return the spread of a mode, None where it did not run."""
        return spread(self.wall[mode]) if self.wall[mode] else None


@dataclass(frozen=True)
class Case:
    """One filling of the form: a folder with the data in every shape, and what an output must hold."""

    folder: Path
    wanted: Expected


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; return 1 if an output was wrong."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        cases = prepare(Path(folder))
        results = [Result(engine) for engine in ENGINES]
        compare(results, cases, options)
    text = report(results, options)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return int(any(result.wrong for result in results))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reports", type=int, default=20, metavar="N", help="at least N reports a repetition")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="repetitions of every engine and mode")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S", help="at least S seconds a repetition")
    parser.add_argument("--warmup", type=float, default=2.0, metavar="S", help="seconds before each repetition")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the Markdown there")
    return parser.parse_args(arguments)


def prepare(folder: Path) -> dict[str, Case]:
    """Write the templates and the data; return the measured report, and a probe with no figure twice."""
    pack = load_pack()
    template = pack.sources[next(iter(t["file"] for t in pack.meta["template"]))]
    for engine in ENGINES:
        text = template if engine.dialect is None else translate(template, engine.dialect)
        (folder / f"{engine.name}.docx").write_bytes(text)
    data = json.loads(REPORT.read_text(encoding="utf-8"))[1]
    cases = {}
    for name, values in (("report", data), ("probe", probe(data))):
        context = json.loads(json.dumps(template_context(report_from_data(values, pack), pack), default=str))
        cases[name] = Case(folder / name, expected(template, context))
        _write_data(cases[name].folder, values, context, template)
    return cases


def probe(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with a different number in every count, so that a figure in a wrong cell is seen."""
    numbers = iter(range(100_001, 200_000))

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: changed(inner) for key, inner in value.items()}
        return next(numbers) if isinstance(value, int) else value

    tables = ("disclosure", "requests", "disputes")
    return {key: changed(value) if key in tables else value for key, value in data.items()}


def _write_data(folder: Path, report: Any, context: dict[str, Any], template: bytes) -> None:
    cut = nested(context, text_paths(template))
    folder.mkdir()
    for shape, data in (("report", report), ("context", context), ("nested", cut), ("flat", flat(cut))):
        (folder / f"{shape}.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def compare(results: Sequence[Result], cases: dict[str, Case], options: argparse.Namespace) -> None:
    """Let every engine fill the probe, then all of them the report in turns."""
    for result in results:
        for mode in MODES:
            _try(result, mode, cases["probe"], {"reports": 2, "seconds": 0, "warmup": 0}, counts=False)
    settings = {name: getattr(options, name) for name in ("reports", "seconds", "warmup")}
    for number_ in range(options.rounds):
        for mode in MODES:
            for result in results:
                _say(f"round {number_ + 1} of {options.rounds}: {result.engine.name}, {mode}")
                _try(result, mode, cases["report"], settings)


def _try(result: Result, mode: str, case: Case, settings: dict[str, float], counts: bool = True) -> None:
    """Run an engine once and note its timing; an engine that fails is noted, and not run again."""
    if result.failure:
        return
    output = case.folder / f"{result.engine.name}.docx"
    try:
        timing = run(result.engine, mode, case, output, settings)
    except Unavailable as error:
        result.failure = str(error)
        return
    docx = output.read_bytes()
    result.versions = timing["versions"]
    result.wrong += [f"{mode}: {problem}" for problem in problems(docx, case.wanted)]
    result.checked += 1
    result.empty = max(result.empty, empty_paragraphs(docx))
    if counts:
        result.sizes.add(len(docx))
        result.wall[mode].append(timing["wall"])
        result.cpu[mode].append(timing["cpu"])


def run(engine: Engine, mode: str, case: Case, output: Path, settings: dict[str, float]) -> dict[str, Any]:
    """Return the timing that an engine's process reports; raises Unavailable."""
    job = case.folder / "job.json"
    template, data = case.folder.parent / f"{engine.name}.docx", case.folder / f"{engine.shape}.json"
    files = {"template": str(template), "data": str(data), "output": str(output)}
    job.write_text(json.dumps({"mode": mode, **files, **settings}), encoding="utf-8")
    command, environment = command_of(engine)
    done = _call(pinned([*command, str(job)]), environment)
    timing: dict[str, Any] = json.loads(done)
    return timing


def command_of(engine: Engine) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs an engine and its environment; installs the engine where it is missing."""
    if engine.runtime == "node":
        modules = _node_modules()
        return ["node", str(SCRIPTS / f"{engine.name.lower()}.js")], {"NODE_PATH": str(modules)}
    python = sys.executable if engine.runtime == "here" else _rust_python()
    return [python, str(SCRIPTS / "python_engine.py"), engine.name], {"PYTHONPATH": str(HERE)}


def _node_modules() -> Path:
    """Return the folder of the Node packages, installed once for each package.json."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed")
    folder = _cache("node")

    def install() -> None:
        shutil.copy(SCRIPTS / "package.json", folder)
        npm = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
        _call([*npm, "--prefix", str(folder)])

    _once(folder, SCRIPTS / "package.json", install)
    return folder / "node_modules"


def _rust_python() -> str:
    """Return the Python that has rust-docxtpl, in an environment of its own."""
    folder = _cache("rust-docxtpl")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def install() -> None:
        _call([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:")
        _call([str(python), *pip, "-r", str(SCRIPTS / "rust-docxtpl.txt")])

    _once(folder, SCRIPTS / "rust-docxtpl.txt", install)
    return str(python)


def _cache(name: str) -> Path:
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


def _once(folder: Path, pins: Path, install: Any) -> None:
    """Call `install` unless these pins were installed before."""
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_bytes() == pins.read_bytes():
        return
    _say(f"installing {pins.name}")
    install()
    shutil.copy(pins, stamp)


def _call(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """Return what a command prints; raises Unavailable with the last line of its complaint."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=True,
        )
    except OSError as error:
        raise Unavailable(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise Unavailable(_complaint(error.stderr) or f"exit status {error.returncode}") from error
    return done.stdout


def _complaint(text: str) -> str:
    """Return the line of an error output that says most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line and not line.startswith("at ")]
    return (telling or lines or [""])[-1][:160]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(results: Sequence[Result], options: argparse.Namespace) -> str:
    """Return the whole comparison as Markdown."""
    ours = results[0]
    header = ("engine", "version", "cold, ms", "× nianbao", "warm, ms", "× nianbao", "output", "checked")
    rows = [_row(result, ours) for result in results]
    modes = [(r.engine.name, r.engine.cold, r.engine.warm) for r in results]
    parts = [
        "### One statutory report, template and data to .docx bytes, one core",
        machine(),
        f"Median of {options.rounds} repetitions (fastest–slowest), each the mean of at least {options.reports}"
        f" reports and {options.seconds:g} s after {options.warmup:g} s of warming up; × compares with nianbao in"
        " the same column.",
        markdown_table(header, rows),
        "\n".join(f"- {line}" for line in _findings(results)),
        markdown_table(("engine", "cold: as its documentation begins", "warm: its fastest documented mode"), modes),
        f"Versions: {'; '.join(_versions(results))}.",
    ]
    return "\n\n".join(parts)


def _row(result: Result, ours: Result) -> list[str]:
    cells = [result.engine.name, next(iter(result.versions.values()), "")]
    for mode in MODES:
        time, base = result.spread(mode), ours.spread(mode)
        cells.append(str(time) if time else "")
        cells.append(f"{number(time.median / base.median)}" if time and base else "")
    if result.failure:
        return [*cells, "", f"did not run: {result.failure}"]
    size = f"{max(result.sizes) / 1000:.1f} kB" if result.sizes else ""
    verdict = f"{len(result.wrong)} wrong" if result.wrong else f"{result.checked} of {result.checked} right"
    return [*cells, size, verdict]


def _findings(results: Sequence[Result]) -> Iterator[str]:
    """Yield what the budgets ask, and whatever a reader should know of single engines."""
    times = {result.engine.name: result for result in results}
    ours, theirs = times["nianbao"].spread("warm"), times["docxtpl"].spread("cold")
    if ours and theirs:
        yield f"docxtpl's own load-render-save takes {number(theirs.median / ours.median)} times nianbao warm."
    others = [(s.median, r.engine.name) for r in results[2:] for m in MODES if (s := r.spread(m))]
    if ours and others:
        best, name = min(others)
        yield f"The fastest of the others in any mode, {name}, takes {number(best / ours.median)} times nianbao warm."
    for result in results:
        yield from _remarks(result)


def _remarks(result: Result) -> Iterator[str]:
    name = result.engine.name
    if result.wrong:
        yield f"{name}: {len(result.wrong)} differences from the data, the first: {result.wrong[0]}."
    if result.empty:
        yield f"{name} leaves {result.empty} empty paragraphs."
    for mode in MODES:
        waits = [w / c for w, c in zip(result.wall[mode], result.cpu[mode], strict=True) if c]
        if waits and spread(waits).median > 1.1:
            yield f"{name}, {mode}: {spread(waits).median:.2f} s passed for each second of work: the core was shared."


def _versions(results: Iterable[Result]) -> Iterator[str]:
    """Yield each package once, with its version."""
    known = {package: version for result in results for package, version in result.versions.items()}
    return (f"{package} {version}" for package, version in known.items())


if __name__ == "__main__":
    sys.exit(main())
