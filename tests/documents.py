"""Documents for the tests of reading: reports as web pages, with whatever offices do to them."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nianbao.bind import bind
from nianbao.fields import lookup
from nianbao.layout import Cell, Grid, Heading
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, report_from_data
from nianbao.readers import read_raw
from nianbao.rendering.context import template_context
from nianbao.report import Report, exchanged

Change = Callable[[Cell, str], str]


def grid_html(grid: Grid, values: Mapping[str, object], change: Change | None = None) -> str:
    """Return a grid of the template as an HTML table; `change` may alter what a cell prints."""
    rows: list[list[str]] = [[] for _ in range(grid.rows)]
    for cell in grid.cells:
        text = str(values[cell.fields[0]]) if cell.fields else cell.text
        text = html.escape(text) if change is None else change(cell, html.escape(text))
        span = f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
        span += f' colspan="{cell.columns}"' if cell.columns > 1 else ""
        rows[cell.row].append(f"<td{span}>{text}</td>")
    lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<table border=1>\n{lines}\n</table>"


def page_html(data: Mapping[str, Any], pack: Pack, change: Change | None = None, **parts: str) -> str:
    """Return a report as a web page.

    `parts` replace what stands there: ``table1`` … for tables, ``before``, ``after`` and ``note3`` for what
    stands before the title, after the report, and below table three.
    """
    report = report_from_data(data, pack)
    context = template_context(report, pack)
    values = {f.path: lookup(context, f.path) for f in pack.fields.plain}
    lines = [parts.get("before", ""), f"<h1>{html.escape(str(context['title']))}</h1>"]
    for block in pack.layout.blocks:
        if isinstance(block, Heading):
            lines.append(f"<p><b>{html.escape(parts.get(block.text, block.text))}</b></p>")
        elif isinstance(block, Grid):
            lines.append(parts.get(f"table{block.index}") or grid_html(block, values, change))
            lines.append(parts.get(f"note{block.index}", ""))
        elif len(block.fields) == 1 and block.fields[0] in values and block.fields[0] != "title":
            prefix = block.text if str(values[block.fields[0]]) else ""
            text = prefix + str(values[block.fields[0]])
            lines += [f"<p>　　{html.escape(line)}</p>" for line in text.split("\n") if line]
    lines.append(parts.get("after", ""))
    return (
        f'<!doctype html><html><head><meta charset="utf-8"></head><body>{chr(10).join(lines)}</body></html>'
    )


def read_one(path: Path, pack: Pack) -> Report:
    """Return the one report of a file."""
    (raw,) = read_raw(path, pack)
    return bind(raw, pack)


def read_page(folder: Path, text: str, pack: Pack, name: str = "报告.html") -> Report:
    """Return the report in a page."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_one(path, pack)


def checked(report: Report, pack: Pack) -> CheckResult:
    """Return the result of checking a report."""
    return check(report, pack)


def rules_of(report: Report) -> list[str]:
    """Return the rules of the findings of reading."""
    return sorted(finding.rule for finding in report.findings)


def figures_of(data: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """Return the figures of exchanged data by field, blank ones as None."""
    return {f.path: lookup(data, f.path) for f in pack.fields.numbers if f.required}


def printed(data: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """Return what a document says of a report: everything but its profile."""
    plain: dict[str, Any] = exchanged(report_from_data(data, pack).data)
    plain.pop("profile", None)
    return plain


def stream_file(data: dict[str, Any], pack: Pack, folder: Path, change: Change | None = None) -> Path:
    """Write a report as text whose tables are lines of labels and figures."""
    lines = [f"{data['agency']}{data['year']}年政府信息公开工作年度报告"]
    figures = figures_of(exchanged(report_from_data(data, pack).data), pack)
    for block in pack.layout.blocks:
        if isinstance(block, Heading):
            lines.append(block.text)
        elif isinstance(block, Grid):
            for row in range(block.rows):
                cells = [c for c in block.cells if c.row == row]
                texts = [c.text if not c.fields else str(figures[c.fields[0]]) for c in cells]
                lines.append(
                    " ".join(t if change is None else change(c, t) for c, t in zip(cells, texts, strict=True))
                )
    path = folder / "报告.txt"
    path.write_text("\n".join([*lines, data["other_matters"]]), encoding="utf-8")
    return path
