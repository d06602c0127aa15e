"""`nianbao read`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from nianbao.cli.common import must_give_reason, must_not_overwrite, read_all, say, status, warn
from nianbao.errors import OutputError
from nianbao.filenames import Namer
from nianbao.findings import count_severity
from nianbao.outputs.files import make_folder, write_atomic
from nianbao.pack import Pack
from nianbao.rendering.context import filled_name
from nianbao.report import Report, exchanged


def run_read(inputs: Sequence[str], out: Path, layout: str, blank_as_zero: str | None, pack: Pack) -> int:
    """Write the data of all inputs in another form and return the exit status."""
    if layout not in ("register", "long"):
        raise OutputError(f"--layout 只能是 register 或 long，不是“{layout}”")
    must_give_reason("--blank-as-zero", blank_as_zero)
    must_not_overwrite(out, *inputs)
    reports, unreadable = read_all(inputs, pack, blank_as_zero)
    _write(reports, out, layout, pack)
    errors = 0
    for report in reports:
        errors += count_severity(report.findings, "error")
        for finding in report.findings:
            if finding.severity != "info":
                warn(f"{report.agency or '未填单位'}：{finding.message}")
    for _, message in unreadable:
        warn(f"未能读取：{message}")
    say(f"读入{len(reports)}份，写入{out}")
    return status(unreadable, errors)


def _write(reports: Sequence[Report], out: Path, layout: str, pack: Pack) -> None:
    from nianbao.outputs.forms import write_long, write_register

    suffix = out.suffix.lower()
    data = (exchanged(report.data) for report in reports)
    if suffix == ".json":
        write_atomic(out, (json.dumps(list(data), ensure_ascii=False, indent=1) + "\n").encode())
    elif suffix == ".jsonl":
        lines = (json.dumps(item, ensure_ascii=False) + "\n" for item in data)
        write_atomic(out, "".join(lines).encode())
    elif suffix == ".csv":
        from nianbao.outputs.csvfile import write_csv

        write_csv(pack, out, reports)
    elif suffix == ".xlsx":
        (write_long if layout == "long" else write_register)(pack, out, reports)
    elif suffix:
        raise OutputError(
            f"不能写{suffix}文件；可以写.json、.jsonl、.xlsx、.csv，或给出文件夹", file=str(out)
        )
    else:
        _write_forms(reports, out, pack)


def _write_forms(reports: Sequence[Report], out: Path, pack: Pack) -> None:
    from nianbao.outputs.forms import write_form

    make_folder(out)
    namer = Namer()
    for report in reports:
        name, _ = namer.name(filled_name(pack, report.agency or "未填单位", report.year))
        write_form(pack, out / f"{name}.xlsx", report=report)
