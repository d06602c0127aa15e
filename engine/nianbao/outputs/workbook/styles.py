"""The look of the workbooks: the named styles that every sheet shares, and how much room a text takes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator

from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.workbook import Workbook

TITLE = "年报标题"
SUBTITLE = "年报表首"
HEADER = "年报表头"
WIDE_HEADER = "年报表头（宽）"
LABEL = "年报栏目"
INPUT = "年报填写数字"
CHOICE = "年报填写选项"
LINE = "年报填写文字"
TEXT = "年报填写段落"
TOTAL = "年报合计"
TOTAL_OPEN = "年报合计（可改）"
CARRIED = "年报上年数据"
KNOWN = "年报已知"
BODY = "年报正文"
PLAIN = "年报普通"
FIGURE = "年报数字"
LINK = "年报位置"
SUMMARY = "年报总评"
PATH = "年报字段"
HINT = "年报提示"

YELLOW, GREY, PALE, BLUE = "FFFFF8DC", "FFD9D9D9", "FFF2F2F2", "FFE4ECF5"
RED, AMBER, GREEN, FAINT = "FFC00000", "FF9C5700", "FF2E7D32", "FF7F7F7F"
_SONG, _HEI = "宋体", "黑体"
_LINE = Side(style="thin", color="FF8C8C8C")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
# Excel rows are at most so high; what is longer is scrolled.
_HIGHEST = 400


def add_styles(workbook: Workbook) -> None:
    """Give a workbook the named styles; it must not have them yet."""
    for style in _named_styles():
        workbook.add_named_style(style)


def _named_styles() -> Iterator[NamedStyle]:
    yield _style(TITLE, font=Font(name=_HEI, size=16), box=False, horizontal="center")
    yield _style(SUBTITLE, box=False, horizontal="left")
    bold = Font(name=_SONG, size=10, bold=True)
    yield _style(HEADER, fill=BLUE, font=bold, horizontal="center")
    # Wider than a screen: centred words would be out of sight.
    yield _style(WIDE_HEADER, fill=BLUE, font=bold, horizontal="left")
    yield _style(LABEL, fill=BLUE, horizontal="left")
    yield _style(INPUT, fill=YELLOW, horizontal="center", locked=False)
    yield _style(CHOICE, fill=YELLOW, horizontal="left", locked=False)
    # As text, so that a code of eighteen digits keeps all of them.
    yield _style(LINE, fill=YELLOW, horizontal="left", locked=False, number_format="@")
    # Not as text: older versions of Excel show longer texts of that format as ####.
    yield _style(TEXT, fill=YELLOW, horizontal="left", vertical="top", locked=False)
    yield _style(TOTAL, fill=GREY, horizontal="center")
    yield _style(TOTAL_OPEN, fill=GREY, horizontal="center", locked=False)
    carried = Font(name=_SONG, size=10.5, italic=True, color="FF44546A")
    yield _style(CARRIED, fill=PALE, font=carried, horizontal="center", locked=False)
    yield _style(KNOWN, fill=GREY, horizontal="left")
    yield _style(BODY, font=Font(name=_SONG, size=11), box=False, horizontal="left")
    yield _style(PLAIN, horizontal="left")
    yield _style(FIGURE, horizontal="center")
    yield _style(HINT, font=Font(name=_SONG, size=9, color=FAINT), box=False, horizontal="left")
    link = Font(name=_SONG, size=10.5, underline="single", color="FF1F4E79")
    yield _style(LINK, font=link, horizontal="left")
    yield _style(SUMMARY, font=Font(name=_HEI, size=14), horizontal="center")
    yield _style(
        PATH, font=Font(name="Consolas", size=8, color=FAINT), box=False, horizontal="left", wrap=False
    )


def _style(
    name: str,
    *,
    fill: str | None = None,
    font: Font | None = None,
    box: bool = True,
    horizontal: str,
    vertical: str = "center",
    wrap: bool = True,
    locked: bool = True,
    number_format: str = "General",
) -> NamedStyle:
    return NamedStyle(
        name,
        font=font or Font(name=_SONG, size=10.5),
        fill=solid(fill) if fill else None,
        border=_BOX if box else None,
        alignment=Alignment(
            horizontal=horizontal, vertical=vertical, wrap_text=wrap, indent=int(box and horizontal == "left")
        ),
        number_format=number_format,
        protection=Protection(locked=locked),
    )


def solid(colour: str) -> PatternFill:
    """Return a fill of one colour."""
    return PatternFill("solid", fgColor=colour)


def warning_look(colour: str, background: str) -> DifferentialStyle:
    """Return the look of a cell that a condition marks."""
    return DifferentialStyle(font=Font(color=colour, bold=True), fill=PatternFill(bgColor=background))


def text_width(text: str) -> int:
    """Return the width of one line of text in half-width characters."""
    return sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in text)


def row_height(text: str, width: float, line: float = 14.5, least: float = 20) -> float:
    """Return the height in points that `text` needs in a cell of `width` characters."""
    lines = sum(max(1, math.ceil(text_width(part) / max(width - 2.5, 1))) for part in text.split("\n"))
    return min(_HIGHEST, max(least, lines * line + 5))


def coloured(colour: str) -> DifferentialStyle:
    """Return the look of a word that a condition only colours."""
    return DifferentialStyle(font=Font(color=colour))
