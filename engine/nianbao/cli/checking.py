"""`nianbao check`."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from nianbao.beside import Beside, Tally
from nianbao.cli.common import must_give_reason, output_form, read_all, say, status, warn
from nianbao.errors import InputError
from nianbao.inputs import expand
from nianbao.outputs.files import write_atomic
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check_chunk

_FORMS = {".txt": "text", ".json": "json"}
Unreadable = Sequence[tuple[str, str]]


def run_check(
    inputs: Sequence[str],
    form: str | None,
    out: Path | None,
    annotate: Path | None,
    fixed: Path | None,
    blank_as_zero: str | None,
    pack: Pack,
    beside: Beside | None = None,
) -> int:
    """Check every report of the inputs, show the findings, and return the exit status."""
    must_give_reason("--blank-as-zero", blank_as_zero)
    as_workbook = out is not None and out.suffix.lower() == ".xlsx" and form is None
    form = "xlsx" if as_workbook else output_form(form, out, _FORMS)
    options = [name for name, given in (("--annotate", annotate), ("--fix-totals", fixed)) if given]
    source = _one_workbook(inputs, options[0]) if options else None
    if fixed and source:
        _refuse_other_kinds(source)
    reports, unreadable = read_all(inputs, pack, blank_as_zero)
    beside = beside or Beside()
    unreadable = [*unreadable, *beside.unreadable]
    results = list(check_chunk(reports, pack, beside))
    tally = _tallied(results, beside, pack)
    if annotate and source:
        _annotate(source, annotate, results, pack)
    if out and as_workbook:
        _write_workbook(out, results, unreadable, pack, tally)
    elif form == "json":
        _show_json(out, results, unreadable, pack, tally)
    else:
        _show_text(out, results, unreadable, pack, tally)
    if fixed and source:
        # Nothing but the result may go to the standard output where that is JSON.
        _fix_totals(source, fixed, results, pack, warn if form == "json" and out is None else say)
    return status(unreadable, sum(result.errors for result in results))


def _tallied(results: Sequence[CheckResult], beside: Beside, pack: Pack) -> Tally:
    """Return what the reports come to beside last year's and the explanations."""
    tally = Tally(beside, pack)
    for result in results:
        report = result.report
        figures = {path: report.value(path) for path in tally.tracked(report)}
        tally.add(report.agency, report.year, result.findings, figures)
    return tally


def _one_workbook(inputs: Sequence[str], option: str) -> Path:
    paths = [path for path in expand(inputs) if isinstance(path, Path)]
    if len(paths) != 1:
        raise InputError(f"{option} 一次处理一个工作簿，这里给出了{len(paths)}个")
    return paths[0]


def _refuse_other_kinds(source: Path) -> None:
    from nianbao.outputs.annotation.fixtotals import must_be_workbook

    must_be_workbook(source)


def _annotate(source: Path, target: Path, results: Sequence[CheckResult], pack: Pack) -> None:
    from nianbao.outputs.annotation.annotate import annotate
    from nianbao.outputs.annotation.marks import all_marks

    findings = [finding for result in results for finding in result.findings]
    done = annotate(source, target, findings, all_marks(results, pack))
    rest = f"，{len(done.unplaced)}个问题没有对应的单元格" if done.unplaced else ""
    colours = "；红为错误，橙为警告，紫为疑似有误的格" if done.cells else ""
    warn(f"标注的副本：{target}（标注{done.cells}格{rest}{colours}）")


def _fix_totals(
    source: Path, target: Path, results: Sequence[CheckResult], pack: Pack, show: Callable[[str], None]
) -> None:
    from nianbao.outputs.annotation.fixtotals import fix_totals
    from nianbao.outputs.results.words import spot_words, value_words

    fixes = fix_totals(source, target, results, pack)
    for fix in fixes:
        old = "空" if fix.total.old is None else value_words(fix.total.old)
        place = f"{fix.report.agency} {pack.fields.place(fix.total.field)} {spot_words(fix.where)}"
        new = value_words(fix.total.new)
        if fix.done:
            show(f"已改 {place}：{old} → {new}")
        else:
            show(f"未改 {place}：现为{old}，按分项为{new}；{fix.reason}")
    done = sum(fix.done for fix in fixes)
    left = f"，{len(fixes) - done}处未改" if done < len(fixes) else ""
    warn(f"改正合计的副本：{target}（改了{done}处合计{left}；分项一律未动，请核对后再用）")


def _write_workbook(
    out: Path, results: Sequence[CheckResult], unreadable: Unreadable, pack: Pack, tally: Tally
) -> None:
    from nianbao.outputs.results.summary import entry_of, write_summary

    entries = [entry_of(result, pack) for result in results]
    write_summary(out, pack, entries, unreadable, tally.notes())
    say(f"检查结果：{out}")


def _show_json(
    out: Path | None, results: Sequence[CheckResult], unreadable: Unreadable, pack: Pack, tally: Tally
) -> None:
    from nianbao.outputs.results.checkjson import check_json

    text = json.dumps(check_json(results, unreadable, pack, tally.as_dict()), ensure_ascii=False, indent=1)
    _emit(out, text)


def _show_text(
    out: Path | None, results: Sequence[CheckResult], unreadable: Unreadable, pack: Pack, tally: Tally
) -> None:
    from nianbao.outputs.results.display import check_table, console_for

    plain = io.StringIO()
    console = console_for(plain if out else sys.stdout)
    for part in check_table(results, pack, unreadable, tally.notes()):
        console.print(part)
    if out:
        _emit(out, plain.getvalue().rstrip("\n"))


def _emit(out: Path | None, text: str) -> None:
    if out is None:
        say(text)
        return
    write_atomic(out, f"{text}\n".encode())
    warn(f"已写入{out}")
