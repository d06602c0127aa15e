"""The appendix of a roll-up: what the members wrote, paragraph by paragraph, so that it can be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nianbao.consolidation import Rollup
from nianbao.outputs.results.sheets import Book, Column, Row, Table
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack

# A cell of a listing shows so many characters; what is longer goes on in the next row.
_PIECE = 1_800


def write_texts(path: Path, rollup: Rollup, pack: Pack) -> int:
    """Write the texts and notes of all members, in the order of the form; return how many there are.

    Raises OutputError where the workbook cannot be written.
    """
    title = visible(f"{rollup.agency}{rollup.year or ''}年{pack.title}")
    order = {field.path: number for number, field in enumerate(pack.fields)}
    columns = (Column("单位", 26), Column("部分", 40), Column("段", 5, "center"), Column("文字", 100))
    found = 0
    with Book(title, path, "汇总附录") as book:
        table = Table(book, "各单位文字", columns, frozen=1)
        for member in rollup.members:
            for field in sorted(member.texts, key=lambda field: (order.get(field, len(order)), field)):
                found += 1
                place = visible(pack.fields.place(field))
                for number, piece in enumerate(_pieces(member.texts[field]), 1):
                    table.append(Row((member.agency, place, number, piece)))
        table.sheet.end_of_data()
        book.save()
    return found


def _pieces(text: str) -> Iterator[str]:
    for paragraph in text.split("\n"):
        if paragraph.strip():
            yield from (paragraph[start : start + _PIECE] for start in range(0, len(paragraph), _PIECE))
