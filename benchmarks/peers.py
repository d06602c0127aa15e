"""Time to fill the statutory form with one report: nianbao, docxtpl, and five other template engines.

    python benchmarks/peers.py [--reports N] [--out FILE]

Every engine fills the same form with the same data, from the template to the bytes of a finished .docx, as a
process of its own on one core that times itself after warming up. The engines take turns, round after round,
so that a machine that gets slower slows all of them. The outputs are opened and compared, figure by figure
and paragraph by paragraph, with what the data say.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import ROOT, Spread, machine, markdown_table, number, pinned, spread
from dialects import flat, nested, text_paths, translate
from engines import ENGINES, Engine, Unavailable, run
from outputs import Expected, empty_paragraphs, expected, problems

from nianbao.pack import load_pack
from nianbao.pipeline import report_from_data
from nianbao.rendering.context import template_context

REPORTS = ROOT / "examples" / "cn-ogi" / "2021" / "reports.json"
MODES = ("cold", "warm")
_OURS = ("nianbao", "nianbao, from a dict")
# A core is called shared where more than this much time passed for each second of work.
_SHARED = 1.1


@dataclass
class Result:
    """What an engine did: its timings by mode, its versions, what was wrong, and why it did not run."""

    engine: Engine
    wall: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {mode: [] for mode in MODES})
    versions: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    checked: int = 0
    size: int = 0
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
    results = [Result(engine) for engine in ENGINES]
    with tempfile.TemporaryDirectory() as folder:
        compare(results, prepare(Path(folder)), options)
    text = document(results, options)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")
    return int(any(result.wrong for result in results))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default, help_ in (
        ("reports", 20, "reports a repetition, at least"),
        ("seconds", 2.0, "seconds a repetition, at least"),
        ("warmup", 3.0, "seconds of warming up before each repetition"),
        ("rounds", 5, "repetitions of every engine and mode"),
    ):
        parser.add_argument(f"--{name}", type=type(default), default=default, metavar="N", help=help_)
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the Markdown there")
    return parser.parse_args(arguments)


def prepare(folder: Path) -> dict[str, Case]:
    """Write the templates and the data; return the measured report, and a probe with no figure twice."""
    pack = load_pack()
    template = pack.sources[pack.meta["template"][0]["file"]]
    for engine in ENGINES:
        (folder / f"{engine.script}.docx").write_bytes(
            template if engine.dialect is None else translate(template, engine.dialect)
        )
    data = json.loads(REPORTS.read_text(encoding="utf-8"))[1]
    cases = {}
    for name, values in (("report", data), ("probe", probe(data))):
        context = json.loads(
            json.dumps(dict(template_context(report_from_data(values, pack), pack)), default=str)
        )
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

    return {key: changed(value) if isinstance(value, dict) else value for key, value in data.items()}


def _write_data(folder: Path, report: Any, context: dict[str, Any], template: bytes) -> None:
    cut = nested(context, text_paths(template))
    folder.mkdir()
    for shape, data in (("report", report), ("context", context), ("nested", cut), ("flat", flat(cut))):
        (folder / f"{shape}.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def compare(results: Sequence[Result], cases: dict[str, Case], options: argparse.Namespace) -> None:
    """Let every engine fill the probe, then all of them the report in turns."""
    for result in results:
        for mode in MODES:
            _try(result, mode, cases["probe"], {"reports": 2, "seconds": 0, "warmup": 0})
    settings = {name: getattr(options, name) for name in ("reports", "seconds", "warmup")}
    for turn in range(1, options.rounds + 1):
        for mode in MODES:
            for result in results:
                print(f"round {turn} of {options.rounds}: {result.engine.name}, {mode}", file=sys.stderr)
                if timing := _try(result, mode, cases["report"], settings):
                    result.wall[mode].append(timing["wall"])
                    result.cpu[mode].append(timing["cpu"])


def _try(result: Result, mode: str, case: Case, settings: dict[str, float]) -> dict[str, Any] | None:
    """Run an engine and check its output; one that fails is noted, and not run again."""
    if result.failure:
        return None
    engine = result.engine
    output = case.folder / f"{engine.script}.docx"
    files = {
        "template": str(case.folder.parent / output.name),
        "data": str(case.folder / f"{engine.shape}.json"),
        "output": str(output),
    }
    try:
        timing = run(engine, {"mode": mode, **files, **settings}, case.folder / "job.json")
    except Unavailable as error:
        result.failure = str(error)
        return None
    docx = output.read_bytes()
    result.versions = timing["versions"]
    result.wrong += [f"{mode}: {problem}" for problem in problems(docx, case.wanted)]
    result.checked += 1
    result.size = max(result.size, len(docx))
    result.empty = max(result.empty, empty_paragraphs(docx))
    return timing


def document(results: Sequence[Result], options: argparse.Namespace) -> str:
    """Return the whole comparison as Markdown."""
    core = "one core" if pinned(["engine"]) != ["engine"] else "not bound to one core"
    header = ("engine", "version", "cold, ms", "× nianbao", "warm, ms", "× nianbao", "largest", "outputs")
    modes = [(r.engine.name, r.engine.cold, r.engine.warm) for r in results]
    parts = [
        f"### One statutory report: template and data to .docx bytes, {core}",
        f"{machine()}.",
        f"Median of {options.rounds} repetitions (fastest–slowest), each the mean of at least"
        f" {options.reports} reports and {options.seconds:g} s after {options.warmup:g} s of warming up."
        " × compares with nianbao in the same column."
        " Cold: the template is loaded for every report. Warm: the fastest documented mode.",
        markdown_table(header, [_row(result, results[0]) for result in results], left=2),
        "\n".join(f"- {line}" for line in _findings(results)),
        markdown_table(("engine", "cold", "warm"), modes, left=3),
        f"Versions: {', '.join(_versions(results))}.",
    ]
    return "\n\n".join(part for part in parts if part)


def _row(result: Result, ours: Result) -> list[str]:
    cells = [result.engine.name, next(iter(result.versions.values()), "")]
    for mode in MODES:
        time, base = result.spread(mode), ours.spread(mode)
        cells.append(str(time) if time else "")
        cells.append(number(time.median / base.median) if time and base else "")
    cells.append(f"{result.size / 1000:.1f} kB" if result.size else "")
    if result.failure:
        return [*cells, f"did not run: {result.failure}"]
    return [*cells, f"{len(result.wrong)} wrong" if result.wrong else f"{result.checked} right"]


def _findings(results: Sequence[Result]) -> Iterator[str]:
    """Yield what the budgets ask, and whatever a reader should know of single engines."""
    times = {result.engine.name: result for result in results}
    ours, docxtpl = times["nianbao"].spread("warm"), times["docxtpl"].spread("cold")
    if ours and docxtpl:
        ratio = number(docxtpl.median / ours.median)
        yield f"docxtpl's own load-render-save takes {ratio} times as long as nianbao warm."
    peers = [result for result in results if result.engine.name not in (*_OURS, "docxtpl")]
    others = [(s.median, r.engine.name, mode) for r in peers for mode in MODES if (s := r.spread(mode))]
    if ours and others:
        best, name, mode = min(others)
        ratio = number(best / ours.median)
        yield f"The fastest of the others, {name} {mode}, takes {ratio} times as long as nianbao warm."
    for result in results:
        yield from _remarks(result)


def _remarks(result: Result) -> Iterator[str]:
    name = result.engine.name
    if result.wrong:
        yield f"{name} differs from the data in {len(result.wrong)} places, first in {result.wrong[0]}."
    if result.empty:
        yield f"{name} leaves {result.empty} empty paragraphs."
    for mode in MODES:
        waits = [wall / cpu for wall, cpu in zip(result.wall[mode], result.cpu[mode], strict=True) if cpu]
        if waits and (wait := spread(waits).median) > _SHARED:
            yield f"{name}, {mode}: {wait:.2f} s passed for each second of work, so others used the core too."


def _versions(results: Iterable[Result]) -> list[str]:
    """Return each package once, with its version."""
    known = {package: version for result in results for package, version in result.versions.items()}
    return [f"{package} {version}" for package, version in known.items()]


if __name__ == "__main__":
    sys.exit(main())
