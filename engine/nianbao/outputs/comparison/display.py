"""What ``nianbao diff`` shows on a terminal, and as plain text in a file or a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nianbao.comparison.differences import Comparison, FigureChange, ItemChange, ReportComparison, TextChange
from nianbao.outputs.comparison.words import (
    SIDES,
    agency_words,
    counts_words,
    difference_words,
    figure_words,
    item_words,
    place_words,
    rate_words,
    trouble_words,
    year_words,
    years_words,
)
from nianbao.outputs.results.display import Line, wrapped
from nianbao.outputs.results.words import source_words, spot_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.report import Report

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

_TITLES = ("位置", *SIDES, "增减", "增减率", "出处")
_GAP = 2
_LINES = re.compile(r"\s*\n\s*")
# The marks of wdiff: they read well without colour, too.
_MARKS = {"deleted": ("[-", "-]", "red"), "inserted": ("{+", "+}", "green"), "same": ("", "", "")}


def comparison_text(
    comparison: Comparison, pack: Pack, unreadable: Sequence[tuple[str, str]] = ()
) -> Iterator[RenderableType]:
    """Yield what to show: every agency that differs, those of one side alone, then one line for all."""
    for pair in comparison.pairs:
        if not pair.same or trouble_words(pair):
            yield from _pair(pair, pack)
    for side, reports in zip(SIDES, (comparison.only_before, comparison.only_after), strict=True):
        for report in reports:
            yield Line(f"只在“{side}”中有：{_named(report)}", "yellow")
    for file, reason in unreadable:
        yield Line(f"未能读取 {visible(file)}：{visible(reason)}", "bold red")
    yield Line(summary_line(comparison, len(unreadable)), "bold")


def summary_line(comparison: Comparison, unreadable: int = 0) -> str:
    """Return the whole comparison in one sentence."""
    pairs, differing = comparison.pairs, comparison.differing
    line = f"共比较{len(pairs)}份：相同{len(pairs) - len(differing)}，有不同{len(differing)}"
    if differing:
        figures, texts, items = (
            sum(len(part) for part in parts)
            for parts in zip(*((p.figures, p.texts, p.items) for p in differing), strict=True)
        )
        line += f"（数字{figures}处，文字{texts}处，增减{items}处）"
    for side, reports in zip(SIDES, (comparison.only_before, comparison.only_after), strict=True):
        line += f"；只在“{side}”中有的{len(reports)}份" if reports else ""
    return line + (f"；另有{unreadable}个文件未能读取" if unreadable else "")


def _named(report: Report) -> str:
    return " ".join(filter(None, (agency_words(report), year_words(report), source_words(report.source))))


def _pair(pair: ReportComparison, pack: Pack) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text.assemble(
        (f"{agency_words(pair.after if pair.after.agency else pair.before)} {years_words(pair)} ", "bold"),
        (counts_words(pair), "" if pair.same else "bold red"),
    )
    for side, report in zip(SIDES, (pair.before, pair.after), strict=True):
        if source := source_words(report.source):
            yield Line(f"{side}：{source}", "dim")
    for trouble in trouble_words(pair):
        yield Line(trouble, "yellow")
    if pair.figures:
        yield _Figures(pair, pack)
    for text in pair.texts:
        yield _Marked(_sentences(text, pack))
    for item in pair.items:
        yield _Marked(_item(item, pack))
    if pair.forms:
        yield Line(f"另有{len(pair.forms)}处文字只有空格、换行、全半角或引号样式的不同，不计入", "dim")
    yield Text("")


def _sentences(change: TextChange, pack: Pack) -> Iterator[tuple[str, str]]:
    """Yield the sentences that changed as (text, style), after the position."""
    yield f"{place_words(change.field, pack)}：\n", "bold"
    for sentence in change.sentences:
        if sentence.same:
            continue
        for piece in sentence.pieces:
            opening, closing, style = _MARKS[piece.mark]
            yield f"{opening}{visible(_LINES.sub(' ', piece.text))}{closing}", style
        yield "\n", ""


def _item(change: ItemChange, pack: Pack) -> Iterator[tuple[str, str]]:
    yield f"{place_words(change.field, pack)}{'增加' if change.added else '删除'}：\n", "bold"
    opening, closing, style = _MARKS["inserted" if change.added else "deleted"]
    for words in item_words(change, pack):
        yield f"{opening}{words}{closing}\n", style


class _Marked:
    """A text in which marks and colours say what changed, broken where Chinese may be."""

    def __init__(self, parts: Iterator[tuple[str, str]]) -> None:
        self.parts = list(parts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        whole = Text.assemble(*self.parts)
        whole.rstrip()
        for line in whole.split("\n"):
            line.rstrip()
            yield _broken(line, options.max_width)


def _broken(line: Text, width: int) -> Text:
    """Return a line with breaks put in, the styles kept."""
    from rich.text import Text

    offsets: list[int] = []
    position = 0
    for part in wrapped(line.plain, width).split("\n")[:-1]:
        position += len(part)
        offsets.append(position)
    return Text("\n").join(line.divide(offsets))


class _Figures:
    """The figures that differ as a table that fits the console; nothing in it is cut."""

    def __init__(self, pair: ReportComparison, pack: Pack) -> None:
        self.rows = [_row(change, pair, pack) for change in pair.figures]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        widths = [max(map(cell_len, texts)) for texts in zip(_TITLES, *self.rows, strict=True)]
        shown = len(_TITLES) if any(row[-1] for row in self.rows) else len(_TITLES) - 1
        rest = options.max_width - sum(widths[1:shown]) - _GAP * shown
        # Position and source give way, never a figure.
        if rest < widths[0] and shown == len(_TITLES):
            widths[-1] = max(12, widths[-1] - (widths[0] - rest))
            rest = options.max_width - sum(widths[1:shown]) - _GAP * shown
        widths[0] = min(widths[0], max(rest, 16))
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
        for index in range(shown):
            figure = 0 < index < len(_TITLES) - 1
            table.add_column(
                _TITLES[index], width=widths[index], justify="right" if figure else "left", overflow="fold"
            )
        for row in self.rows:
            table.add_row(*(Text(wrapped(t, w)) for t, w in zip(row[:shown], widths[:shown], strict=True)))
        yield table


def _row(change: FigureChange, pair: ReportComparison, pack: Pack) -> tuple[str, ...]:
    # A file stands in the lines above; here it is enough to find the cell.
    spot = spot_words(pair.after.where(change.after_field)) if change.after_field else ""
    return (
        place_words(change.field, pack),
        figure_words(change.before, change.before_found),
        figure_words(change.after, change.after_found),
        difference_words(change),
        rate_words(change),
        spot,
    )
