"""The list of agencies: a row a report, and the list as files to take along."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nianbao.outputs.results.summary import Entry, entry_of, write_summary
from nianbao.outputs.results.words import source_words, value_words
from nianbao.outputs.workbook.xlsx import FORMULA_STARTS, visible
from nianbao.pack import Pack
from nianbao.web.documents import Checked, Document
from nianbao.web.notes import first_problem
from nianbao.web.years import agreement

WORDS: Mapping[str, str] = {"fail": "有错误", "warn": "待说明", "pass": "通过"}
_ORDER: Mapping[str, int] = {"fail": 0, "warn": 1, "pass": 2}
NAMELESS = "（未填单位名称）"
# So many figures stand in the list where the pack does not say which.
_FIGURES = 3


@dataclass(frozen=True)
class Row:
    """One agency as the list shows it; `order` is its place in the roster, `rank` with problems first."""

    id: str
    order: int
    rank: int
    agency: str
    year: str
    category: str
    status: str
    word: str
    errors: int
    warnings: int
    first: str
    figures: tuple[str, ...]
    last_year: str
    changed: str
    moment: str
    source: str


@dataclass(frozen=True)
class Listing:
    """All rows, and what stands above them."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    counts: Mapping[str, int]
    categories: tuple[str, ...]
    unreadable: tuple[Document, ...]
    compared: bool


def listing_of(
    checked: Sequence[Checked], documents: Iterable[Document], pack: Pack, compared: bool
) -> Listing:
    """Return the list; `compared` says whether there are last year's data."""
    columns = _columns(pack)
    ranks = {item.id: rank for rank, item in enumerate(problems_first(checked))}
    entries = [(item, entry_of(item.result, pack)) for item in checked]
    rows = tuple(
        _row(number, ranks[entry[0].id], *entry, columns, pack, compared)
        for number, entry in enumerate(entries)
    )
    return Listing(
        rows,
        tuple(title for title, _ in columns),
        Counter(row.status for row in rows),
        tuple(dict.fromkeys(row.category for row in rows if row.category)),
        tuple(document for document in documents if document.problem),
        compared,
    )


def _columns(pack: Pack) -> list[tuple[str, int]]:
    """Return title and number of the figures that the list shows."""
    summary = pack.meta.get("summary", ())
    short = [(str(column["short"]), number) for number, column in enumerate(summary) if "short" in column]
    return short or [(str(column["title"]), number) for number, column in enumerate(summary[:_FIGURES])]


def problems_first(checked: Iterable[Checked]) -> list[Checked]:
    """Return the reports with errors, then those with warnings, the most of them first."""

    def order(item: Checked) -> tuple[int, int, int]:
        result = item.result
        return _ORDER[result.status], -result.errors, -result.warnings

    return sorted(checked, key=order)


def _row(
    order: int,
    rank: int,
    item: Checked,
    entry: Entry,
    columns: Sequence[tuple[str, int]],
    pack: Pack,
    compared: bool,
) -> Row:
    moment = datetime.fromtimestamp(item.document.changed)
    return Row(
        item.id,
        order,
        rank,
        visible(entry.agency) or NAMELESS,
        str(entry.year or ""),
        visible(entry.category),
        entry.status,
        WORDS[entry.status],
        entry.errors,
        entry.warnings,
        first_problem(item.result),
        tuple(value_words(entry.figures[number]) for _, number in columns),
        agreement(item, pack) if compared else "",
        f"{moment:%m-%d %H:%M}",
        moment.isoformat(timespec="seconds"),
        source_words(item.report.source),
    )


def as_csv(listing: Listing) -> bytes:
    """Return the list as CSV that Excel opens (UTF-8 with its mark); no cell is taken for a formula."""
    years = ("与上年",) if listing.compared else ()
    head = (
        "单位",
        "年度",
        "类别",
        "状态",
        "错误",
        "警告",
        "第一个问题",
        *listing.columns,
        *years,
        "更新时间",
        "来源",
    )
    rows: list[Sequence[str]] = [head]
    for row in listing.rows:
        last = (row.last_year,) if listing.compared else ()
        cells = (row.agency, row.year, row.category, row.word, str(row.errors), str(row.warnings), row.first)
        rows.append((*cells, *row.figures, *last, row.moment.replace("T", " "), row.source))
    return csv_bytes(rows)


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV that Excel opens (UTF-8 with its mark); no cell is taken for a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return stream.getvalue().encode("utf-8-sig", "backslashreplace")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith((*FORMULA_STARTS, "'")) else text


def as_workbook(
    checked: Sequence[Checked],
    unreadable: Iterable[Document],
    notes: Sequence[tuple[str, str]],
    pack: Pack,
) -> bytes:
    """Return the list as the workbook that ``nianbao check -o`` writes."""
    entries = [entry_of(item.result, pack) for item in checked]
    files = [(document.file.name, document.problem) for document in unreadable]
    with tempfile.TemporaryDirectory(prefix="nianbao-web-") as folder:
        path = Path(folder) / "list.xlsx"
        write_summary(path, pack, entries, files, notes)
        return path.read_bytes()
