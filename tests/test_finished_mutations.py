"""Never a silently wrong number: whatever happens to a table, what is not the printed figure is an error."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree, html

from conftest import consistent_report
from documents import figures_of, page_html, read_one, read_page, stream_file
from nianbao.errors import InputError
from nianbao.fields import place_value
from nianbao.pack import Pack
from nianbao.report import exchanged

Element = etree._Element
Mutation = Callable[[random.Random, list[Element], Element, Element], None]


def delete_cell(_: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    row.remove(cell)


def delete_row(_: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    row.getparent().remove(row)  # type: ignore[union-attr]


def repeat_row(_: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    row.addnext(copy.deepcopy(row))


def blank_cell(_: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    cell.text = ""


def misspell(rng: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    text = cell.text or ""
    if len(text) > 3 and not text.isdecimal():
        at = rng.randrange(len(text))
        cell.text = text[:at] + rng.choice(["", "某", "止"]) + text[at + 1 :]


def split(_: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    table = next(row.iterancestors("table"))
    if rows.index(row):
        rest = html.fromstring("<table border=1></table>")
        table.addnext(rest)
        for other in rows[rows.index(row) :]:
            rest.append(other)


def add_column(_: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    for other in rows:
        other.append(html.fromstring("<td></td>"))


def add_cell(_: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    cell.addnext(html.fromstring("<td>7</td>"))


def move_row(rng: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    other = rng.choice(rows)
    if other is not row:
        other.addnext(row)


def drop_span(rng: random.Random, rows: list[Element], row: Element, cell: Element) -> None:
    cell.attrib.pop(rng.choice(["rowspan", "colspan"]), None)


MUTATIONS: tuple[Mutation, ...] = (
    delete_cell,
    delete_row,
    repeat_row,
    blank_cell,
    misspell,
    split,
    add_column,
    add_cell,
    move_row,
    drop_span,
)


@pytest.fixture(scope="module")
def data(pack: Pack) -> dict[str, Any]:
    """A report whose figures all differ, so that no shift goes unseen."""
    data = consistent_report(pack, 9)
    for number, field in enumerate((f for f in pack.fields.numbers if f.required), 101):
        place_value(data, field.path, number if field.kind == "count" else str(number))
    return data


def mutated(page: str, seed: int) -> str:
    rng = random.Random(seed)
    root = html.fromstring(page)
    for _ in range(rng.choice([1, 1, 2, 3])):
        rows = rng.choice(root.findall(".//table")).findall(".//tr")
        row = rng.choice(rows)
        cells = row.findall("td")
        if cells:
            rng.choice(MUTATIONS)(rng, rows, row, rng.choice(cells))
    return etree.tostring(root, encoding="unicode", method="html")


@pytest.mark.parametrize(
    "seeds", [range(40), pytest.param(range(40, 1000), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_a_figure_that_is_not_the_printed_one_is_never_silent(
    seeds: range, data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    page, want = page_html(data, pack), figures_of(data, pack)
    read = 0
    for seed in seeds:
        try:
            report = read_page(tmp_path, mutated(page, seed), pack)
        except InputError:
            continue
        read += 1
        found = figures_of(exchanged(report.data), pack)
        wrong = [p for p, value in want.items() if found[p] is not None and str(found[p]) != str(value)]
        missing = [p for p, value in want.items() if found[p] is None]
        errors = [f for f in report.findings if f.severity == "error"]
        assert not (wrong or missing) or errors, f"seed {seed}: {wrong[:3]} {missing[:3]}"
    assert read > len(seeds) * 0.9


def mutated_lines(lines: list[str], seed: int) -> list[str]:
    """Return lines of a text with words or lines lost, added, repeated, moved, wrapped or joined."""
    rng = random.Random(seed)
    lines = list(lines)
    for _ in range(rng.choice([1, 1, 2, 3])):
        at, other = rng.randrange(2, len(lines) - 2), rng.randrange(2, len(lines) - 2)
        words = lines[at].split(" ")
        word = rng.randrange(len(words))
        kept, rest = words[:word], words[word:]
        new = {
            "lose a word": [" ".join([*kept, *rest[1:]])],
            "add a figure": [" ".join([*kept, "7", *rest])],
            "lose the line": [],
            "repeat the line": [lines[at]] * 2,
            "wrap the line": [" ".join(kept), " ".join(rest)],
            "join two lines": None,
            "swap two lines": None,
            "misspell": [" ".join([words[0][:3] + words[0][4:], *words[1:]])]
            if words[0][3:4] > "9"
            else [lines[at]],
        }
        kind = rng.choice(list(new))
        if kind == "join two lines":
            lines[at : at + 2] = [f"{lines[at]} {lines[at + 1]}"]
        elif kind == "swap two lines":
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at : at + 1] = new[kind] or []
    return lines


@pytest.mark.parametrize(
    "seeds", [range(40), pytest.param(range(40, 1000), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_a_figure_of_a_text_that_is_not_the_printed_one_is_never_silent(
    seeds: range, data: dict[str, Any], pack: Pack, tmp_path: Path
) -> None:
    path = stream_file(data, pack, tmp_path)
    lines, want = path.read_text(encoding="utf-8").split("\n"), figures_of(data, pack)
    for seed in seeds:
        path.write_text("\n".join(mutated_lines(lines, seed)), encoding="utf-8")
        try:
            report = read_one(path, pack)
        except InputError:
            continue
        found = figures_of(exchanged(report.data), pack)
        wrong = [p for p, value in want.items() if str(found[p]) != str(value)]
        # The file has no texts at all; that they are missing says nothing about the figures.
        errors = [f for f in report.findings if f.severity == "error"]
        tables = [f for f in errors if f.rule != "BLANK" or f.field in want]
        assert not wrong or tables, f"seed {seed}: {wrong[:3]}"
