"""Rules as live formulas of SUM, IF, ABS, COUNTBLANK, AND, OR: every spreadsheet calculates them alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from openpyxl.utils import get_column_letter, quote_sheetname

from nianbao.fields import FieldSet
from nianbao.findings import Value
from nianbao.outputs.workbook.cellvalues import NO, YES
from nianbao.rules.expression import Condition, Linear, Number
from nianbao.rules.instances import Instance

# A spot in this row stands in the row of every agency; `at_row` puts the number in.
EVERY_ROW = 0
_ROW_MARK = "\x00"
_MOST_CASES = 64


@dataclass(frozen=True, slots=True)
class Spot:
    """The cell of a field; row and column count from 1."""

    sheet: str
    row: int
    column: int

    @property
    def address(self) -> str:
        """The address within the sheet."""
        return f"{get_column_letter(self.column)}{self.row or _ROW_MARK}"

    def seen_from(self, sheet: str) -> str:
        """Return the fixed address as a formula on `sheet` names it."""
        row = f"${self.row}" if self.row else _ROW_MARK
        return f"{_prefix(self.sheet, sheet)}${get_column_letter(self.column)}{row}"


def at_row(formula: str, row: int) -> str:
    """Return a formula of spots in `EVERY_ROW` for one row."""
    return formula.replace(_ROW_MARK, str(row))


def references(spots: Iterable[Spot], sheet: str) -> list[str]:
    """Return the cells as a formula on `sheet` names them, neighbours joined to ranges."""
    found: list[str] = []
    by_sheet: dict[str, list[Spot]] = {}
    for spot in spots:
        by_sheet.setdefault(spot.sheet, []).append(spot)
    for name, group in by_sheet.items():
        down = _runs(sorted(group, key=lambda s: (s.column, s.row)), (1, 0))
        across = _runs(sorted(group, key=lambda s: (s.row, s.column)), (0, 1))
        runs = down if len(down) < len(across) else across
        prefix = _prefix(name, sheet)
        found += [f"{prefix}{a.address}" if a == b else f"{prefix}{a.address}:{b.address}" for a, b in runs]
    return found


def _runs(spots: Sequence[Spot], step: tuple[int, int]) -> list[tuple[Spot, Spot]]:
    runs: list[tuple[Spot, Spot]] = []
    for spot in spots:
        if runs and (runs[-1][1].row + step[0], runs[-1][1].column + step[1]) == (spot.row, spot.column):
            runs[-1] = (runs[-1][0], spot)
        else:
            runs.append((spot, spot))
    return runs


def _prefix(name: str, sheet: str) -> str:
    return "" if name == sheet else f"{quote_sheetname(name)}!"


def count_blank(spots: Iterable[Spot], sheet: str) -> str:
    """Return a sum that counts the blank cells; a formula that shows nothing is blank too."""
    return "+".join(f"COUNTBLANK({r})" for r in references(spots, sheet)) or "0"


def total_formula(parts: Sequence[Spot], sheet: str, declared: Spot | None) -> str:
    """Return the formula of a total.

    It shows nothing while a part is blank, just as the engine derives a total from complete parts only. So a
    form that LibreOffice has recalculated reads back like one that openpyxl has filled, where no formula has
    a stored value, and nobody takes the sum of half a row, or a 0 in a row that nobody has touched, for a
    figure. With the zero declaration blank parts count as 0, and the total shows at once.
    """
    blank = f"{count_blank(parts, sheet)}>0"
    if declared:
        blank = f'AND({blank},{declared.seen_from(sheet)}<>"{YES}")'
    return f'=IF({blank},"",SUM({",".join(references(parts, sheet))}))'


def side(linear: Linear, spots: Mapping[str, Spot], sheet: str) -> str:
    """Return one side of a rule; SUM throughout, because it passes over a total that shows nothing."""
    by_factor: dict[Number, list[Spot]] = {}
    for path, factor in linear.terms:
        by_factor.setdefault(factor, []).append(spots[path])
    text = ""
    for factor, group in by_factor.items():
        sign = "-" if factor < 0 else "+"
        times = "" if abs(factor) == 1 else f"{abs(factor)}*"
        text += f"{sign}{times}SUM({','.join(references(group, sheet))})"
    if linear.constant or not text:
        text += f"{'-' if linear.constant < 0 else '+'}{abs(linear.constant)}"
    return text.removeprefix("+")


def holds(op: str, left: str, right: str, tolerance: str) -> str:
    """Return the test that a comparison holds; cells are binary floats, so less than `tolerance` is equal."""
    return {
        "==": f"ABS({left}-({right}))<{tolerance}",
        "<=": f"{left}-({right})<{tolerance}",
        ">=": f"{right}-({left})<{tolerance}",
        "<": f"{right}-({left})>{tolerance}",
        ">": f"{left}-({right})>{tolerance}",
    }[op]


def fails(instance: Instance, spots: Mapping[str, Spot], sheet: str, fields: FieldSet) -> str:
    """Return the test that all cells of a rule are filled and it does not hold."""
    comparison = instance.comparison
    left, right = side(comparison.left, spots, sheet), side(comparison.right, spots, sheet)
    good = holds(comparison.op, left, right, tolerance(instance, fields))
    blank = count_blank([spots[path] for path in comparison.fields], sheet)
    return f"IF({blank}>0,FALSE,IF({good},FALSE,TRUE))"


def tolerance(instance: Instance, fields: FieldSet) -> str:
    """Return what the two sides may differ by: half a unit of their last decimal, and what the rule forgives.

    A strict comparison must hold by more than that half unit, less what is forgiven.
    """
    comparison = instance.comparison
    found = (fields.find(path) for path in comparison.fields)
    finest = max((field.decimals for field in found if field), default=0)
    factors = (factor for one in (comparison.left, comparison.right) for _, factor in one.terms)
    finest += max(map(_decimals, factors), default=0)
    constants = (comparison.left.constant, comparison.right.constant, comparison.tolerance)
    half = Decimal(5).scaleb(-max(finest, *map(_decimals, constants)) - 1)
    forgiven = comparison.tolerance
    return format(half - forgiven if comparison.op in ("<", ">") else half + forgiven, "f")


def _decimals(number: Number) -> int:
    exponent = number.as_tuple().exponent if isinstance(number, Decimal) else 0
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def condition_formula(
    condition: Condition, spots: Mapping[str, Spot], sheet: str, fields: FieldSet
) -> str | None:
    """Return the test that a rule applies, or None where it depends on more than a few choices.

    A condition is a function; what it says of every combination of the choices is all there is to know.
    """
    asked = _asked(condition)
    domains = [_domain(path, fields) for path in asked]
    if any(path not in spots for path in asked) or not all(domains):
        return None
    cases = list(itertools.islice(itertools.product(*domains), _MOST_CASES + 1))
    if len(cases) > _MOST_CASES:
        return None
    tests = []
    for case in cases:
        if condition(dict(zip(asked, (value for value, _ in case), strict=True)).get) is True:
            shown = zip(asked, (text for _, text in case), strict=True)
            cells = (f'{spots[path].seen_from(sheet)}="{text}"' for path, text in shown)
            tests.append(f"AND({','.join(cells)})")
    return f"OR({','.join(tests)})" if tests else "FALSE"


def _asked(condition: Condition) -> list[str]:
    """Return the fields that a condition looks up."""
    asked: dict[str, None] = {}

    def note(path: str) -> Value:
        asked[path] = None
        return None

    condition(note)
    return list(asked)


def _domain(path: str, fields: FieldSet) -> list[tuple[Value, str]]:
    """Return the values that a field can have, each with what its cell shows; none if they are too many."""
    field = fields.find(path)
    if field is None or not (field.choices or field.kind == "flag"):
        return []
    values: list[tuple[Value, str]] = [(None, "")]
    return values + ([(True, YES), (False, NO)] if field.kind == "flag" else list(field.choices))
