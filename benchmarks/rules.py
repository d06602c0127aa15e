"""All linear rules of the pack over many reports: one matrix, and a plain loop over the same rules.

    python benchmarks/rules.py [--reports N] [--rounds N] [--out FILE]

The reports are those of the examples, one in ten with a wrong figure. "multiplied" is the product
alone, its values read; "read and multiplied" begins with the reports. The loop evaluates every rule of every
report by itself, as a single check does: once with the shortcut for plain sums that the engine has, once
without. Times are processor time, the median of the rounds, all ways taking turns.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from common import ROOT, machine, markdown_table, number

from nianbao.fields import place_value
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import check, check_many, report_from_data
from nianbao.report import Report
from nianbao.rules.instances import outcome
from nianbao.rules.matrix import RuleMatrix

REPORTS = ROOT / "examples" / "cn-ogi" / "2021" / "reports.json"
HEADER = ("way", "seconds", "µs a report", "times the loop's speed")
# Of a hundred reports so many have a wrong figure.
_WRONG = 10
# The matrix is cut into pieces that stay in the processor's cache, as the engine does it.
_BLOCK = 64


def make_reports(pack: Pack, count: int) -> list[Report]:
    """Return `count` reports made of the examples; one in ten has a figure that may be wrong."""
    draw = random.Random(count)
    examples = json.loads(REPORTS.read_text(encoding="utf-8"))
    counts = [field.path for field in pack.fields.numbers if field.kind == "count"]
    reports = []
    for index in range(count):
        data = json.loads(json.dumps(examples[index % len(examples)]))
        if draw.randrange(100) < _WRONG:
            place_value(data, draw.choice(counts), draw.randrange(1, 999))
        reports.append(report_from_data(data, pack))
    return reports


def failures_one_by_one(pack: Pack, reports: Sequence[Report], glance: bool) -> list[list[int]]:
    """Return for each report the rules that it fails, each evaluated by itself."""
    return [
        [
            index
            for index, one in enumerate(pack.rules.instances)
            if not (glance and one.surely_holds(report.values)) and outcome(one, report) == "fail"
        ]
        for report in reports
    ]


def measured(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each way; they take turns, and the first round does not count."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            start = time.process_time()
            way()
            if turn:
                times[name].append(time.process_time() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def document(pack: Pack, reports: Sequence[Report], rounds: int) -> str:
    """Return the measurements as Markdown; raises AssertionError where the ways differ in what they find."""
    matrix = RuleMatrix.of(pack.rules.instances, pack.fields)
    values = np.frombuffer(
        b"".join(
            array("q", [int(v or 0) for v in matrix.rules.read(report)]).tobytes() for report in reports
        ),
        np.int64,
    ).reshape(len(reports), matrix.cells)
    found = failures_one_by_one(pack, reports, False)
    assert matrix.failures(reports) == found == failures_one_by_one(pack, reports, True)
    some = reports[: max(len(reports) // 10, 1)]
    loop = "loop over all rules"
    ways: dict[str, Callable[[], object]] = {
        loop: lambda: failures_one_by_one(pack, reports, False),
        "loop, plain sums at a glance": lambda: failures_one_by_one(pack, reports, True),
        "matrix: read and multiplied": lambda: matrix.failures(reports),
        "matrix: multiplied": lambda: [
            matrix.multiply(values[start : start + _BLOCK]) for start in range(0, len(values), _BLOCK)
        ],
    }
    times = measured(ways, rounds)
    whole: dict[str, Callable[[], object]] = {
        "check, one by one": lambda: [check(report, pack) for report in some],
        "check_many": lambda: list(check_many(some, pack)),
    }
    taken = measured(whole, rounds)
    rows = [
        (name, number(seconds), number(seconds / len(reports) * 1e6), number(times[loop] / seconds))
        for name, seconds in times.items()
    ]
    checks = [
        (name, number(seconds / len(some) * 1e6), number(taken["check, one by one"] / seconds))
        for name, seconds in taken.items()
    ]
    wrong = sum(map(bool, found))
    return "\n\n".join(
        (
            f"{machine()}. {len(reports):,} reports, {wrong:,} of them wrong, "
            f"{len(pack.rules.instances)} rules over {matrix.cells} cells.",
            markdown_table(HEADER, rows),
            f"Schema, texts and suspects too, {len(some):,} reports:",
            markdown_table(("way", "µs a report", "times the speed of one by one"), checks),
        )
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reports", type=int, default=10_000, metavar="N", help="how many reports")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the Markdown there")
    options = parser.parse_args(arguments)
    pack = load_pack("cn-ogi/2021")
    text = document(pack, make_reports(pack, options.reports), options.rounds)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
