"""`nianbao diff` and `nianbao chart`."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from nianbao.cli.common import (
    CLEAN,
    FINDINGS,
    NOTHING,
    must_give_reason,
    must_not_overwrite,
    output_form,
    read_all,
    say,
    warn,
)
from nianbao.comparison.comparing import compare
from nianbao.comparison.differences import Comparison
from nianbao.comparison.matching import current_name
from nianbao.errors import OutputError
from nianbao.outputs.files import replacing, write_atomic
from nianbao.pack import Pack

_FORMS = {".txt": "text", ".json": "json", ".html": "html", ".htm": "html"}
Unreadable = Sequence[tuple[str, str]]


def run_diff(
    before: str,
    after: str,
    form: str | None,
    out: Path | None,
    aliases: Path | None,
    blank_as_zero: str | None,
    pack: Pack,
) -> int:
    """Compare two inputs and return 0 for the same, 1 for different, 2 where not all could be read."""
    folder = out is not None and (out.is_dir() or not out.suffix)
    must_give_reason("--blank-as-zero", blank_as_zero)
    form = form or "html" if folder else output_form(form, out, _FORMS)
    must_not_overwrite(out, before, after)
    olds, missing = read_all([before], pack, blank_as_zero)
    news, lost = read_all([after], pack, blank_as_zero)
    comparison = compare(olds, news, pack, aliases=aliases)
    unreadable = [*missing, *lost]
    if out and folder:
        _folder(comparison, pack, (before, after), unreadable, out, form)
    elif form == "html":
        _page(comparison, pack, (before, after), unreadable, out)
    elif form == "json":
        from nianbao.outputs.comparison.comparisonjson import comparison_json

        _emit(comparison_json(comparison, pack, unreadable), out)
    else:
        _text(comparison, pack, unreadable, out)
    return NOTHING if unreadable else CLEAN if comparison.same else FINDINGS


def run_chart(
    inputs: Sequence[str], out: Path, aliases: Path | None, blank_as_zero: str | None, pack: Pack
) -> int:
    """Draw the charts of the inputs over the years and return the exit status."""
    from nianbao.outputs.comparison.html import charts_html

    if out.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"图表写成网页，文件名须以.html结尾，不是“{out.name}”", file=str(out))
    must_not_overwrite(out, *inputs)
    reports, unreadable = read_all(inputs, pack, blank_as_zero)
    write_atomic(out, charts_html(reports, pack, unreadable, current_name(aliases)).encode())
    for file, message in unreadable:
        warn(f"未能读取 {file}：{message}")
    say(f"图表：{out}（{len(reports)}份报告）")
    return FINDINGS if unreadable else CLEAN


def _page(
    comparison: Comparison, pack: Pack, sides: tuple[str, str], unreadable: Unreadable, out: Path | None
) -> None:
    from nianbao.outputs.comparison.html import comparison_html, verdict

    _emit([comparison_html(comparison, pack, sides, unreadable)], out)
    if out:
        say(verdict(comparison))
        for file, message in unreadable:
            warn(f"未能读取 {file}：{message}")


def _folder(
    comparison: Comparison,
    pack: Pack,
    sides: tuple[str, str],
    unreadable: Unreadable,
    out: Path,
    form: str,
) -> None:
    from nianbao.outputs.comparison.folder import INDEX, write_folder
    from nianbao.outputs.comparison.html import verdict

    if form != "html":
        raise OutputError(f"写入文件夹的只能是html，{form}请给出文件名", file=str(out))
    pages = write_folder(comparison, pack, out, sides, unreadable)
    say(verdict(comparison))
    for file, message in unreadable:
        warn(f"未能读取 {file}：{message}")
    warn(f"已写入{out / INDEX}和{pages}个单位的网页")


def _text(comparison: Comparison, pack: Pack, unreadable: Unreadable, out: Path | None) -> None:
    from nianbao.outputs.comparison.display import comparison_text
    from nianbao.outputs.results.display import console_for

    plain = io.StringIO()
    console = console_for(plain if out else sys.stdout)
    for part in comparison_text(comparison, pack, unreadable):
        console.print(part)
    if out:
        _emit([plain.getvalue().rstrip("\n")], out)


def _emit(parts: Iterable[str], out: Path | None) -> None:
    """Write a text that comes in parts to a file, whole or not at all, or print it."""
    if out is None:
        for part in parts:
            print(part, end="")
        say("")
        return
    with replacing(out) as stream:
        stream.writelines(part.encode() for part in parts)
        stream.write(b"\n")
    warn(f"已写入{out}")
