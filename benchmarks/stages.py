"""Where the time of a batch goes: each stage of a report by itself, and all of them as a build runs them.

    python benchmarks/stages.py [--reports N] [--out FILE]

The reports are the examples' under numbered names, from JSON Lines and from a register, as in `scale.py`.
Each stage alone, over all reports, costs less than in turns with the others: their data and code then push
each other out of the processor's caches.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from common import CACHE, machine, markdown_table, number
from scale import make_input

from nianbao.batch import Options, build
from nianbao.batch.work import _digest
from nianbao.bind import bind
from nianbao.inputs import Source
from nianbao.outputs.files import FileGroup
from nianbao.outputs.results.summary import entry_of, summarizing
from nianbao.pack import load_pack
from nianbao.pipeline import check, render
from nianbao.raw import RawReport

Stage = tuple[str, Callable[[], object]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reports", type=int, default=2_000, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the Markdown there")
    options = parser.parse_args(arguments)
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="stages-", dir=CACHE))
    try:
        rows = [measured(stage, options.reports) for stage in stages(options.reports, folder)]
    finally:
        shutil.rmtree(folder)
    header = ("stage", "CPU ms a report, user", "CPU ms a report, system")
    command = f"python benchmarks/stages.py --reports {options.reports}"
    text = f"`{command}`\n\n{machine()}\n\n{markdown_table(header, rows)}"
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")
    return 0


def measured(stage: Stage, reports: int) -> tuple[str, ...]:
    """Return a stage as a line of the table."""
    name, run = stage
    before = os.times()
    run()
    after = os.times()
    each = 1000 / reports
    return name, number((after.user - before.user) * each), number((after.system - before.system) * each)


def stages(count: int, folder: Path) -> list[Stage]:
    """Return the stages of a batch, in order; each leaves what the next one needs."""
    pack = load_pack()
    raws: list[RawReport] = []
    register, lines = make_input("xlsx", count, count), make_input("jsonl", count, count)

    def read() -> None:
        raws.extend(Source(list(lines), pack))

    def write() -> None:
        with FileGroup() as files:
            for index, document in enumerate(documents):
                files.write(folder / f"{index}.docx", document)

    def summary() -> None:
        with summarizing(folder / "summary.xlsx", pack) as results:
            for entry in entries:
                results.add(entry)
            results.save((), ())

    read()
    reports = [bind(raw, pack) for raw in raws]
    results = [check(report, pack) for report in reports]
    documents = [render(report, pack) for report in reports]
    entries = [entry_of(result, pack, "x") for result in results]
    task, batch = _Task(), Options(pack, folder)
    return [
        ("read a register", lambda: list(Source(list(register), pack))),
        ("read JSON Lines", lambda: list(Source(list(lines), pack))),
        ("bind", lambda: [bind(raw, pack) for raw in raws]),
        ("check", lambda: [check(report, pack) for report in reports]),
        ("digest", lambda: [_digest(result, "x", task, batch) for result in results]),  # type: ignore[arg-type]
        ("render", lambda: [render(report, pack) for report in reports]),
        ("write", write),
        ("summary", summary),
        ("all of a build in one process, JSON Lines", lambda: build(list(lines), folder / "out", pack)),
    ]


class _Task:
    """As much of a task as a digest asks for."""

    last = None
    waivers = ()


if __name__ == "__main__":
    sys.exit(main())
