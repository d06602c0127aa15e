"""The sheet 疑点 of 检查结果.xlsx: all sets of cells whose change would mend the sums of a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nianbao.findings import Value, Where
from nianbao.outputs.results.sheets import Book, Column, Link, Row, Table
from nianbao.outputs.results.words import source_words
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult

DOUBTS = "疑点"

_COLUMNS = (
    Column("序号", 6, "center"),
    Column("单位", 28, "link"),
    Column("第几种", 8, "center"),
    Column("位置", 28),
    Column("来源", 20),
    Column("现为", 10, "value"),
    Column("可能应为", 10, "value"),
    Column("分不清的", 11, "center"),
    Column("说明", 60),
)
_LIKELIEST = {2: "suspect", 6: "suspect"}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One cell of one suspect of a report: the how-many-th suspect it is, what stands there, and what may.

    `alike` are the numbers of the suspects that the rules cannot tell from it, itself among them.
    """

    number: int
    alike: tuple[int, ...]
    field: str
    where: Where
    now: Value
    value: Value
    reason: str


def doubts_of(result: CheckResult) -> Iterator[Doubt]:
    """Yield the cells of all suspects of a report, best first; they are the same for all its findings."""
    report = result.report
    suspects = next((finding.suspects for finding in result.findings if finding.suspects), ())
    groups: dict[str | None, list[int]] = {}
    for number, suspect in enumerate(suspects, 1):
        groups.setdefault(suspect.group, []).append(number)
    for number, suspect in enumerate(suspects, 1):
        alike = tuple(groups[suspect.group]) if suspect.group else ()
        for path, value in suspect.changes.items():
            # One sentence speaks of all cells of a suspect.
            reason = suspect.reason if path == next(iter(suspect.changes)) else "（同上）"
            yield Doubt(number, alike, path, report.where(path), report.value(path), value, reason)


class DoubtSheet:
    """The sheet of doubts; it is there only if there are any."""

    def __init__(self, book: Book, pack: Pack) -> None:
        self.book, self.pack = book, pack
        self.count = 0
        self.table: Table | None = None

    def add(self, agency: str, doubts: tuple[Doubt, ...], home: Link) -> None:
        """Write the doubts about one report; `home` leads to it in the overview."""
        for doubt in doubts:
            self.table = self.table or Table(self.book, DOUBTS, _COLUMNS, frozen=2)
            self.count += 1
            values = (
                self.count,
                agency,
                doubt.number,
                self.pack.fields.place(doubt.field),
                source_words(doubt.where, "\n"),
                doubt.now,
                doubt.value if doubt.value is not None else "不能确定",
                _alike(doubt.alike),
                doubt.reason,
            )
            self.table.append(Row(values, _LIKELIEST if doubt.number == 1 else {}, {1: home}))

    def finish(self) -> None:
        """Set the filter over all lines, and put the sheet behind all sheets of findings."""
        if self.table:
            self.table.sheet.end_of_data()
            self.book.put_last(DOUBTS)


def _alike(numbers: tuple[int, ...]) -> str | None:
    """Return which suspects cannot be told apart, in words; None for one that stands alone."""
    if len(numbers) < 2:
        return None
    if numbers == tuple(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 2:
        return f"第{numbers[0]}至{numbers[-1]}种之一"
    return f"第{'、'.join(map(str, numbers))}种之一"
