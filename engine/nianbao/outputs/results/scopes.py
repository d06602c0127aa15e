"""The sheet 口径与调整, of a collection and of a roll-up alike: scopes, and what a person adjusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nianbao.consolidation.adjustments import Adjustment
from nianbao.outputs.results.sheets import Column, Row
from nianbao.outputs.results.words import source_words
from nianbao.pack import Pack

SCOPES = "口径与调整"
SCOPE_COLUMNS = (
    Column("单位", 22),
    Column("事项", 16, "center"),
    Column("栏目", 28),
    Column("数量", 10, "value"),
    Column("内容", 50),
    Column("理由", 34),
    Column("批准人", 10, "center"),
    Column("日期", 12, "center"),
    Column("来源", 24),
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
