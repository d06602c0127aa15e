"""The sheet 口径与调整, of a collection and of a roll-up alike: scopes, and what a person adjusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nianbao.consolidation.adjustments import Adjustment
from nianbao.outputs.results.sheets import Column, Row
from nianbao.outputs.results.words import source_words
from nianbao.pack import Pack

SCOPES = "口径与调整"
SCOPE_COLUMNS = (
    Column("单位", 18),
    Column("事项", 15, "center"),
    Column("栏目", 24),
    Column("数量", 8, "value"),
    Column("内容", 44),
    Column("理由", 30),
    Column("批准人", 9, "center"),
    Column("日期", 11, "center"),
    Column("来源", 18),
)
_DIFFERING = 1


def scope_row(agency: str, matter: str, place: str, content: str | None, look: str = "") -> Row:
    """Return the row of what is said of an agency, or with no agency of the whole."""
    values = (agency, matter, place, None, content, None, None, None, None)
    return Row(values, {_DIFFERING: look} if look else {})


def adjustment_rows(lines: Iterable[Adjustment], pack: Pack) -> Iterator[Row]:
    """Yield the row of each adjustment; those of totals that only follow are marked as such."""
    for line in lines:
        yield Row(
            (
                line.agency,
                "随之调整的合计" if line.follows else "调整",
                pack.fields.place(line.field),
                line.amount,
                None,
                line.reason,
                line.approver,
                line.date,
                source_words(line.where),
            )
        )
