"""Consistent tables, and the errors that people make in them, for the benchmark of the suspects.

Figures are drawn as real reports have them: most cells 0, a few rows and columns with nearly all cases,
sizes over three orders of magnitude. Three of four wrong cells hold cases, the fourth is any cell. The
slips are those that people make: a wrong digit, digits out of order, a digit lost or doubled, a cell left
at 0, a miscount, two neighbours exchanged, which counts as two cells. One class is unknown to the ranking:
any number.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp
from typing import Any

from nianbao.fields import FieldSet, place_value, read_fields
from nianbao.pack import load_pack
from nianbao.report import Report
from nianbao.rules.compiling import compile_rules
from nianbao.rules.instances import Instance, totals
from nianbao.suspects import Figures, System

Values = dict[str, int]
Slip = Callable[[int, random.Random], int]


# ---- rule sets ----


@dataclass
class RuleSet:
    """Rules with what a generator of consistent figures needs to know of them.

    `grid` are the parts: rows of cells. `flows` are (arrived, opening, closing, done) of each column that
    must balance, `loose` the parts of sums that no other rule touches, `cells` what may be broken: all that
    a rule looks at.
    """

    name: str
    instances: tuple[Instance, ...]
    fields: FieldSet
    grid: list[list[str]]
    flows: list[tuple[str, ...]]
    loose: list[list[str]] = field(default_factory=list)
    system: System = field(init=False)
    sums: dict[str, tuple[str, ...]] = field(init=False)
    cells: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.system = System.of(self.instances, self.fields)
        self.sums = totals(self.instances)
        # Totals in the order in which they can be calculated.
        order: dict[str, tuple[str, ...]] = {}
        while len(order) < len(self.sums):
            for total, parts in self.sums.items():
                if total not in order and all(part in order or part not in self.sums for part in parts):
                    order[total] = parts
        self.sums = order
        # What no rule that applies to these reports looks at cannot be seen to be wrong.
        figures = Figures.of(self.system, report_of(consistent(self, random.Random(0))))
        masks = self.system.matrix(figures.inactive).masks
        self.cells = [cell.path for cell, seen in zip(self.system.fields, masks, strict=True) if seen]


def pack_rules(name: str = "pack") -> RuleSet:
    """Return the rules of the open-government report; as "table 3", only cells without twins are broken."""
    pack = load_pack("cn-ogi/2021")
    sums = totals(pack.rules.instances)
    applicants = [path.rpartition(".")[2] for path in sums["requests.new.total"]]
    column = sums[f"requests.results.total.{applicants[0]}"]
    rows = [path.rpartition(".")[0] for path in column]
    grid = [[f"{row}.{who}" for who in applicants] for row in rows]
    names = ("requests.new", "requests.carried_in", "requests.carried_out", "requests.results.total")
    flows = [tuple(f"{name}.{who}" for name in names) for who in applicants]
    loose = [list(parts) for total, parts in sums.items() if total.startswith("disputes.")]
    rules = RuleSet(name, pack.rules.instances, pack.fields, grid, flows, loose)
    if name == "table 3":
        rules.cells = [cell for cell in rules.cells if cell.startswith("requests.")]
    return rules


def made_up(name: str, groups: int, rows: int, columns: int) -> RuleSet:
    """Return a table of `groups` groups of `rows` rows with subtotals, totals both ways, and a balance."""
    numbers = [f"c{n}" for n in range(columns)]
    cells = {column: {"type": "integer", "x-kind": "count"} for column in (*numbers, "total")}
    row = {"type": "object", "properties": cells}
    parts = [f"g{g}r{r}" for g in range(groups) for r in range(rows)]
    subtotals = [f"g{g}" for g in range(groups)]
    names = ("arrived", "opening", *parts, *subtotals, "all", "closing")
    schema = {
        "type": "object",
        "properties": {"t": {"type": "object", "properties": dict.fromkeys(names, row)}},
    }
    rules = [
        _rule("ROW", "sum(t[row][columns]) == t[row].total", row=list(names)),
        *(
            _rule(f"G{g}", f"sum(t[in{g}][column]) == t.g{g}[column]", column=["@columns", "total"])
            for g in range(groups)
        ),
        _rule("ALL", "sum(t[subtotals][column]) == t.all[column]", column=["@columns", "total"]),
        _rule(
            "BALANCE",
            "t.arrived[column] + t.opening[column] == t.all[column] + t.closing[column]",
            column=["@columns", "total"],
        ),
    ]
    sets: dict[str, list[str]] = {"columns": numbers, "subtotals": subtotals}
    sets |= {f"in{g}": [f"g{g}r{r}" for r in range(rows)] for g in range(groups)}
    fields = read_fields(schema)
    compiled = compile_rules({"sets": sets, "rule": rules}, fields, (), name)
    grid = [[f"t.{part}.{column}" for column in numbers] for part in parts]
    flows = [tuple(f"t.{n}.{c}" for n in ("arrived", "opening", "closing", "all")) for c in numbers]
    return RuleSet(name, compiled.instances, fields, grid, flows)


def _rule(name: str, assertion: str, **each: list[str]) -> dict[str, Any]:
    return {"id": name, "title": name, "severity": "error", "each": each, "assert": assertion}


# ---- consistent figures ----


def consistent(rules: RuleSet, draw: random.Random) -> Values:
    """Return figures that satisfy every rule, with the zeros of real tables."""
    cases = int(10 ** draw.uniform(0.7, 3.5))
    # A few rows and columns take nearly everything: weights fall by half and more from one to the next.
    rows = _weights(len(rules.grid), draw)
    columns = sorted(_weights(len(rules.grid[0]), draw), reverse=True)
    values: Values = {cell: 0 for row in rules.grid for cell in row}
    shares = [r * c for r in rows for c in columns]
    cells = [cell for row in rules.grid for cell in row]
    for cell, share in zip(cells, shares, strict=True):
        values[cell] = _about(cases * share, draw)
    for parts in rules.loose:
        weights = _weights(len(parts), draw)
        some = draw.choice((0, 3, 30, 300))
        values |= {part: _about(some * w, draw) for part, w in zip(parts, weights, strict=True)}
    for arrived, opening, closing, done in rules.flows:
        finished = _sum(rules, done, values)
        values[opening] = _about(finished * 0.05, draw)
        values[closing] = _about(finished * 0.08, draw)
        # What was open at the start cannot be more than what was done or is still open.
        values[opening] = min(values[opening], finished + values[closing])
        values[arrived] = finished + values[closing] - values[opening]
    for total, summed in rules.sums.items():
        values[total] = sum(values[part] for part in summed)
    for each in rules.system.fields:
        values.setdefault(each.path, 0)
    return values


def _sum(rules: RuleSet, cell: str, values: Values) -> int:
    parts = rules.sums.get(cell)
    return sum(_sum(rules, part, values) for part in parts) if parts else values[cell]


def _weights(count: int, draw: random.Random) -> list[float]:
    raw = [draw.random() ** 6 for _ in range(count)]
    return [w / sum(raw) for w in raw]


def _about(mean: float, draw: random.Random) -> int:
    """Return a count around `mean`, Poisson where it is small."""
    if mean > 50:
        return max(0, round(draw.gauss(mean, mean**0.5)))
    count, product, limit = 0, draw.random(), exp(-mean)
    while product > limit:
        product *= draw.random()
        count += 1
    return count


def report_of(values: Mapping[str, int]) -> Report:
    """Return the figures as a report."""
    data: dict[str, Any] = {}
    for path, value in values.items():
        place_value(data, path, value)
    return Report(data)


# ---- errors ----


def wrong_digit(value: int, draw: random.Random) -> int:
    """One digit is another."""
    text = str(value)
    place = draw.randrange(len(text))
    return int(text[:place] + draw.choice("0123456789") + text[place + 1 :])


def transposed(value: int, draw: random.Random) -> int:
    """Two digits side by side are exchanged."""
    text = str(value)
    if len(text) < 2:
        return value
    n = draw.randrange(len(text) - 1)
    return int(text[:n] + text[n + 1] + text[n] + text[n + 2 :])


def dropped(value: int, draw: random.Random) -> int:
    """A digit is missing."""
    text = str(value)
    n = draw.randrange(len(text))
    return int(text[:n] + text[n + 1 :] or "0")


def doubled(value: int, draw: random.Random) -> int:
    """A digit stands twice."""
    text = str(value)
    n = draw.randrange(len(text))
    return int(text[:n] + text[n] + text[n:])


def left_at_zero(value: int, draw: random.Random) -> int:
    """Nothing was filled in."""
    return 0


def miscounted(value: int, draw: random.Random) -> int:
    """One to three too many or too few."""
    return max(0, value + draw.choice((-3, -2, -1, -1, 1, 1, 2, 3)))


def any_number(value: int, draw: random.Random) -> int:
    """Any number of about this size, which no typing explains: the class that the ranking does not know."""
    return draw.randint(0, 2 * value + 20)


KNOWN: tuple[Slip, ...] = (wrong_digit, wrong_digit, transposed, dropped, doubled, left_at_zero, miscounted)
EXCHANGES = 0.12


def broken(rules: RuleSet, values: Values, k: int, draw: random.Random, slips: Sequence[Slip]) -> Values:
    """Return the figures with exactly `k` of them wrong."""
    filled = [cell for cell in rules.cells if values[cell]] or rules.cells
    wrong: Values = {}
    while len(wrong) < k:
        cell = draw.choice(filled if draw.random() < 0.75 else rules.cells)
        if slips is KNOWN and k - len(wrong) >= 2 and draw.random() < EXCHANGES:
            wrong |= _exchange(rules, values, cell, wrong, draw)
            continue
        value = draw.choice(slips)(values[cell], draw)
        if cell not in wrong and value != values[cell]:
            wrong[cell] = value
    return {**values, **wrong}


def _exchange(rules: RuleSet, values: Values, cell: str, wrong: Values, draw: random.Random) -> Values:
    system = rules.system
    number = next(n for n, f in enumerate(system.fields) if f.path == cell)
    beside = [system.fields[n].path for n in sorted(system.neighbours.get(number, ()))]
    other = draw.choice(beside) if beside else cell
    if values[cell] == values[other] or {cell, other} & set(wrong):
        return {}
    return {cell: values[other], other: values[cell]}
