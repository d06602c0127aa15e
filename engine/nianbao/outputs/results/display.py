"""What ``nianbao check`` shows on a terminal, and as plain text in a file or a pipe."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING

from nianbao.findings import Finding, Severity, order
from nianbao.outputs.results.words import STATUSES, WAIVED, Words, file_words, spot_words, value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_PLAIN_WIDTH = 120
_TITLES = ("级别", "位置", "说明", "应为", "来源")
_GAP = 2
# Latin letters and digits stay together; closing punctuation stays with what it closes.
_WORD = re.compile(r"(?:[A-Za-z0-9]+(?:[.,:/!-][A-Za-z0-9]+)*|.)[，。；：！？、）〕》】”’,.;:!?)]*")
_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan", "fail": "bold red", "warn": "yellow"}
_SUSPECT = "magenta"


def console_for(stream: IO[str]) -> Console:
    """Return a console for `stream`; where that is no terminal, plain text 120 columns wide."""
    from rich.console import Console

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console


def check_table(
    results: Iterable[CheckResult],
    pack: Pack,
    unreadable: Sequence[tuple[str, str]] = (),
    notes: Sequence[tuple[str, str]] = (),
) -> Iterator[RenderableType]:
    """Yield what to show of a check: a table for each report with problems, then one line for all.

    Reports are taken one by one, so a large batch needs no memory. `notes` are what is to be said of all of
    them together, as (heading, text).
    """
    words = Words(pack)
    reports = failed = 0
    levels: Counter[Severity] = Counter()
    waived = 0
    for result in results:
        reports += 1
        failed += not result.ok
        levels.update(finding.severity for finding in result.findings if finding.waiver is None)
        waived += result.waived
        if result.errors or result.warnings or result.waived:
            yield from _report(result, words)
    for file, reason in unreadable:
        yield Line(f"未能读取 {visible(file)}：{visible(reason)}", _COLOURS["error"])
    for heading, text in notes:
        yield Line(f"{heading}：{visible(text)}")
    line = f"共{reports}份：通过{reports - failed}，未通过{failed}"
    line += f"，错误{levels['error']}，警告{levels['warning']}"
    line += f"，提示{levels['info']}" if levels["info"] else ""
    line += f"，{WAIVED}{waived}" if waived else ""
    line += f"；另有{len(unreadable)}个文件未能读取" if unreadable else ""
    yield Line(line, "bold")


def _report(result: CheckResult, words: Words) -> Iterator[RenderableType]:
    """Yield heading and table of one report, and a line that counts its notes."""
    from rich.text import Text

    report = result.report
    year = f"{report.year}年 " if report.year else ""
    where = " ".join(filter(None, (visible(report.source.file or ""), spot_words(report.source))))
    yield Text.assemble(
        (f"{visible(report.agency) or '（未填单位名称）'} {year}", "bold"),
        (STATUSES[result.status], _COLOURS.get(result.status, "")),
        (f"  {where}" if where else "", "dim"),
    )
    yield _Findings(result, words)
    for line in dict.fromkeys(line for finding in result.findings for line in words.candidates(finding)):
        yield Line(line, _SUSPECT)
    notes = Counter(words.title(f.rule) or f.rule for f in result.findings if f.severity == "info")
    if notes:
        counted = "；".join(f"“{title}”{count}处" for title, count in notes.items())
        yield Line(f"提示（不影响通过）：{counted}", "dim")
    yield Text("")


class Line:
    """A line of text that is broken where Chinese may be."""

    def __init__(self, text: str, style: str = "") -> None:
        self.text, self.style = text, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        yield Text(wrapped(self.text, options.max_width), style=self.style)


class _Findings:
    """The errors and warnings of a report as a table that fits the console; nothing in it is cut."""

    def __init__(self, result: CheckResult, words: Words) -> None:
        ordered = sorted(result.findings, key=order)
        self.rows = [_row(finding, result, words) for finding in ordered if finding.severity != "info"]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.table import Table
        from rich.text import Text

        widths = self.widths(options.max_width)
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
        for title, width in zip(_TITLES, widths, strict=True):
            table.add_column(title, width=width, overflow="fold")
        for style, *texts in self.rows:
            cells = [Text(wrapped(t, w)) for t, w in zip(texts, widths, strict=True)]
            cells[0].stylize(style)
            table.add_row(*cells)
        yield table

    def widths(self, room: int) -> list[int]:
        """Return the widths of the columns: short ones as they need, the rest for position and message."""
        from rich.cells import cell_len

        texts = zip(_TITLES, *(row[1:] for row in self.rows), strict=True)
        needed = [max(map(cell_len, column)) for column in texts]
        expected, source = min(needed[3], 14), min(needed[4], max(16, room // 4))
        rest = max(room - needed[0] - expected - source - _GAP * len(_TITLES), 24)
        place = min(needed[1], max(rest * 2 // 5, rest - needed[2]))
        return [needed[0], place, min(needed[2], rest - place), expected, source]


def _row(finding: Finding, result: CheckResult, words: Words) -> tuple[str, str, str, str, str, str]:
    """Return the colour of a finding and the cells of its row; a position is not said twice."""
    place, said = words.place(finding), words.message(finding)
    message = said.removeprefix(place).lstrip("：") or said
    colour = "" if finding.waiver else _COLOURS[finding.severity]
    return colour, words.level(finding), place, message, value_words(finding.expected), _spot(finding, result)


def wrapped(text: str, width: int) -> str:
    """Return `text` in lines of at most `width` columns that split no number and begin with no stop."""
    from rich.cells import cell_len

    lines = [""]
    for line in text.split("\n"):
        for word in _WORD.findall(line):
            if lines[-1] and cell_len(lines[-1] + word) > width:
                lines.append("")
            lines[-1] += word
        lines.append("")
    return "\n".join(lines[:-1])


def _spot(finding: Finding, result: CheckResult) -> str:
    """Return the cell of a finding, with the file where it is not the one of the report."""
    spot = spot_words(finding.where)
    if finding.where.file in (None, result.report.source.file):
        return spot
    return f"{file_words(finding.where)} {spot}".strip()
