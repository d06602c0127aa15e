"""How often the suspects name what is wrong, and how long they take.

Consistent tables of three sizes (the pack's own, a small and a large made-up rule set) get k = 1 … 5 wrong
cells; `suspect_tables` says how figures and errors are drawn. "any number" is the class of errors that the
ranking does not know. "table 3" are the pack's rules with errors only where its rules cross: every cell of
table four has twins that no rule can tell it from.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common import machine, markdown_table
from suspect_tables import (
    KNOWN,
    RuleSet,
    Slip,
    Values,
    any_number,
    broken,
    consistent,
    made_up,
    pack_rules,
    report_of,
)

from nianbao.findings import Suspect
from nianbao.rules.linear import Exact
from nianbao.suspects import Figures, find_suspects
from nianbao.suspects.exact import smallest_set

LARGEST_K = 5


@dataclass
class Outcome:
    """What one table gave: `place` is where the truth stands in the list, `first` whether its group leads."""

    seconds: float
    candidates: int
    size: int
    place: int | None
    first: bool
    grouped: bool
    undetermined: bool


def measure(rules: RuleSet, k: int, count: int, slips: Sequence[Slip], seed: str) -> list[Outcome]:
    """Return the outcomes of `count` tables with `k` wrong cells; errors that cancel out are drawn again."""
    draw = random.Random(seed)
    # Once unmeasured, so that the matrix of these rules is there.
    find_suspects(rules.instances, report_of(dict.fromkeys(rules.cells, 1)), rules.fields)
    outcomes: list[Outcome] = []
    while len(outcomes) < count:
        values = consistent(rules, draw)
        wrong = broken(rules, values, k, draw, slips)
        report = report_of(wrong)
        # The rules have asked for all values before suspects are looked for.
        assert report.values
        start = time.process_time()
        found = find_suspects(rules.instances, report, rules.fields)
        seconds = time.process_time() - start
        if found:
            truth = {path: value for path, value in values.items() if wrong[path] != value}
            outcomes.append(outcome(found, truth, seconds))
    return outcomes


def outcome(found: Sequence[Suspect], truth: Values, seconds: float) -> Outcome:
    """Return what the suspects of one table are worth."""
    place = next((n for n, suspect in enumerate(found) if dict(suspect.changes) == truth), None)
    group = None if place is None else found[place].group
    return Outcome(
        seconds,
        len(found),
        len(found[0].changes),
        place,
        place == 0 or (group is not None and group == found[0].group),
        group is not None,
        None in found[0].changes.values(),
    )


HEAD = (
    "rules",
    "errors",
    "k",
    "covered",
    "fewer do",
    "can tell",
    "top-1 (can tell)",
    "group first",
    "top-1",
    "top-3",
    "random",
    "candidates",
    "p50 ms",
    "p99 ms",
    "max ms",
    "undetermined",
)
LEGEND = """
- covered: the truth is among the suspects. fewer do: fewer cells than were broken satisfy all rules, so that
  no smallest set can be the truth. can tell: as many cells as were broken are needed, and the truth shares
  its group with no other set.
- top-1 (can tell): of the tables that can be told. group first: the truth or its group ("one of these")
  stands first. top-1, top-3: the truth itself stands first, or among the first three. random: the chance of a
  random choice among the suspects. The last four are of all tables.
- candidates: the mean length of the list. undetermined: the search gave up within its limit.
- ms: processor time of one report, its values read, rules compiled.
""".strip()


def row(rules: RuleSet, kind: str, k: int, outcomes: Sequence[Outcome]) -> list[str]:
    """Return one row of the table."""
    count = len(outcomes)
    covered = [o for o in outcomes if o.place is not None]
    fewer = [o for o in outcomes if o.place is None and o.size < k and not o.undetermined]
    tell = [o for o in outcomes if not o.grouped and o not in fewer]
    times = sorted(o.seconds * 1e3 for o in outcomes)
    return [
        rules.name,
        kind,
        str(k),
        _percent(len(covered), count),
        _percent(len(fewer), count),
        _percent(len(tell), count),
        _percent(sum(o.place == 0 for o in tell), len(tell)),
        _percent(sum(o.first for o in outcomes), count),
        _percent(sum(o.place == 0 for o in outcomes), count),
        _percent(sum(o.place is not None and o.place < 3 for o in outcomes), count),
        _percent(sum(1 / o.candidates for o in covered), count),
        f"{statistics.mean(o.candidates for o in outcomes):.1f}",
        f"{times[count // 2]:.2f}",
        f"{times[count * 99 // 100]:.2f}",
        f"{times[-1]:.1f}",
        str(sum(o.undetermined for o in outcomes)),
    ]


def _percent(part: float, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


# What is demanded of tables of each size, where the rules can tell: (k, least share that stands first).
DEMANDED = ((1, 0.99), (2, 0.95), (3, 0.85))
# Of the smallest sets so many must be as small as integer programming finds; milliseconds, typical and worst.
AGREED, TYPICAL, WORST = 0.999, 1.0, 50.0


@dataclass(frozen=True)
class Series:
    """The outcomes of one row of the table."""

    rules: str
    kind: str
    k: int
    outcomes: Sequence[Outcome]

    @property
    def told(self) -> float:
        """The share of the truth standing first, of the tables that the rules can tell."""
        tell = [o for o in self.outcomes if not o.grouped and (o.place is not None or o.size >= self.k)]
        return sum(o.place == 0 for o in tell) / len(tell) if tell else 1.0

    @property
    def covered(self) -> float:
        """The share of tables whose suspects hold the truth."""
        return sum(o.place is not None for o in self.outcomes) / len(self.outcomes)

    def milliseconds(self, share: float) -> float:
        """Return the time within which a share of the tables was done."""
        times = sorted(o.seconds * 1e3 for o in self.outcomes)
        return times[min(int(len(times) * share), len(times) - 1)]


def verdict(rows: Sequence[Series], agreed: Sequence[Agreement]) -> str:
    """Return what is demanded beside the worst that was measured, as Markdown."""

    def worst(k: int, name: str) -> tuple[float, str]:
        found = [(getattr(each, name), f"{each.rules}, {each.kind}") for each in rows if each.k == k]
        return min(found)

    lines = []

    def line(text: str, measured: str, where: str, passed: bool) -> None:
        lines.append((text, measured, where, "pass" if passed else "MISSED"))

    covered, where = worst(1, "covered")
    line("k = 1: covered 100 %", f"{100 * covered:.2f} %", where, covered == 1)
    for k, least in DEMANDED:
        told, where = worst(k, "told")
        line(
            f"k = {k}: first, where the rules can tell, ≥ {100 * least:.0f} %",
            f"{100 * told:.2f} %",
            where,
            told >= least,
        )
    for each in agreed:
        share = each.same / each.asked if each.asked else 0.0
        text = f"as few cells as integer programming ≥ {100 * AGREED:.1f} %"
        line(text, f"{100 * share:.2f} %", f"{each.rules}, {each.asked} tables", share >= AGREED)
    slowest = max(
        (each.milliseconds(0.5), f"{each.rules}, {each.kind}, k = {each.k}") for each in rows if each.k <= 3
    )
    line(
        f"typical (median, k ≤ 3) ≤ {TYPICAL:.0f} ms",
        f"{slowest[0]:.2f} ms",
        slowest[1],
        slowest[0] <= TYPICAL,
    )
    slowest = max((each.milliseconds(1.0), f"{each.rules}, {each.kind}, k = {each.k}") for each in rows)
    line(f"worst ≤ {WORST:.0f} ms", f"{slowest[0]:.1f} ms", slowest[1], slowest[0] <= WORST)
    return markdown_table(("demanded of every row", "measured, worst row", "which", ""), lines, 4)


@dataclass(frozen=True)
class Agreement:
    """On how many tables integer programming answered, and on how many with the same number of cells."""

    rules: str
    asked: int
    same: int


def agreement(rules: RuleSet, count: int) -> Agreement:
    """Return on how many tables integer programming finds the same number of cells."""
    draw = random.Random(f"milp {rules.name}")
    same = asked = 0
    for number in range(count):
        wrong = broken(rules, consistent(rules, draw), number % LARGEST_K + 1, draw, KNOWN)
        figures = Figures.of(rules.system, report_of(wrong))
        found = find_suspects(rules.instances, figures.report, rules.fields)
        if not found or None in found[0].changes.values():
            continue
        best = _smallest(figures)
        if best is not None:
            asked += 1
            same += best == len(found[0].changes)
    return Agreement(rules.name, asked, same)


def _smallest(figures: Figures) -> int | None:
    """Return the number of cells that integer programming needs; each block of linked cells by itself."""
    system = figures.system
    matrix = system.matrix(figures.inactive)
    blocks: dict[int, dict[int, Exact]] = {}
    for number, gap in figures.residual.items():
        blocks.setdefault(matrix.block[system.equalities[number].cells[0]], {})[number] = gap
    sets = [
        smallest_set(matrix, figures.values, system.steps, gaps, nodes=20_000) for gaps in blocks.values()
    ]
    return None if None in sets else sum(len(cells or ()) for cells in sets)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", type=int, default=2000, metavar="N", help="tables for each row")
    parser.add_argument("--milp", type=int, default=1000, metavar="N", help="tables for integer programming")
    parser.add_argument("--size", choices=("small", "table 3", "pack", "large"), help="only these rules")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the Markdown there")
    options = parser.parse_args(arguments)
    made = (made_up("small", 2, 3, 3), pack_rules("table 3"), pack_rules(), made_up("large", 8, 8, 12))
    text = document([rules for rules in made if options.size in (None, rules.name)], options)
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")


def document(chosen: Sequence[RuleSet], options: argparse.Namespace) -> str:
    """Return all measurements as Markdown."""
    sizes = [
        f"- {rules.name}: {len(rules.cells)} cells in {len(rules.system.equalities)} equalities"
        for rules in chosen
    ]
    series = [
        (
            rules,
            Series(rules.name, kind, k, measure(rules, k, options.tables, slips, f"{rules.name} {kind} {k}")),
        )
        for rules in chosen
        for kind, slips in (("slips", KNOWN), ("any number", (any_number,)))
        for k in range(1, LARGEST_K + 1)
    ]
    rows = [row(rules, each.kind, each.k, each.outcomes) for rules, each in series]
    agreed = [agreement(rules, options.milp) for rules in chosen] if options.milp else []
    parts = [
        f"{machine()}. {options.tables} tables a row.",
        "\n".join(sizes),
        markdown_table(HEAD, rows, 2),
        LEGEND,
    ]
    if agreed:
        head = ("rules", "tables", "as many cells as integer programming finds")
        lines = [(each.rules, str(each.asked), _percent(each.same, each.asked)) for each in agreed]
        parts.append(markdown_table(head, lines))
    parts.append(verdict([each for _, each in series], agreed))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
