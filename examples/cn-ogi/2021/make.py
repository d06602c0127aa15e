"""Make the example workbooks from the JSON beside it: registers of two years, forms, a broken copy."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from nianbao.outputs.forms import write_form, write_register
from nianbao.outputs.workbook.xlsx import save_workbook
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import report_from_data
from nianbao.rendering.context import filled_name

HERE = Path(__file__).parent


def main(folder: Path = HERE) -> None:
    """Write registers of this year and the last, forms/ and what stands in broken/ into `folder`."""
    pack = load_pack("cn-ogi/2021")
    reports = json.loads((HERE / "reports.json").read_text(encoding="utf-8"))
    write_register(pack, folder / "register.xlsx", [report_from_data(data, pack) for data in reports])
    last = json.loads((HERE / "previous.json").read_text(encoding="utf-8"))
    write_register(pack, folder / "previous.xlsx", [report_from_data(data, pack) for data in last])
    (folder / "forms").mkdir(exist_ok=True)
    for data in reports:
        name = filled_name(pack, data["agency"], data["year"])
        write_form(pack, folder / "forms" / f"{name}填报表.xlsx", report=report_from_data(data, pack))
    (folder / "broken").mkdir(exist_ok=True)
    cases = chosen_cases(pack)
    _write_broken(folder / "broken" / "register.xlsx", cases, reports, pack)
    expected = {a: {"mistake": c["name"], "findings": c["findings"]} for a, c in cases.items()}
    text = json.dumps(expected, ensure_ascii=False, indent=1)
    (folder / "broken" / "expected.json").write_text(f"{text}\n", encoding="utf-8")


def chosen_cases(pack: Pack) -> dict[str, Any]:
    """Return one case for each kind of mistake that a cell can hold, by the name that its agency gets."""
    cases = json.loads((HERE / "broken" / "cases.json").read_text(encoding="utf-8"))
    seen: set[Any] = set()
    chosen: dict[str, Any] = {}
    for case in cases:
        kind = _kind(case)
        case["patch"] = {f: value for p, value in case["patch"].items() for f in _fields(p, pack)}
        if case["findings"] and kind not in seen and all(_fits(p, v, pack) for p, v in case["patch"].items()):
            seen.add(kind)
            chosen[f"错误示例{len(chosen) + 1:02d}（{'、'.join(kind[0])}）"] = case
    return chosen


def _kind(case: Any) -> Any:
    """Return what makes a case the first of its kind: its rules, and for a bad value what it looks like."""
    rules = tuple(sorted({finding["rule"] for finding in case["findings"]}))
    values = tuple(map(repr, case["patch"].values())) if rules == ("VALUE",) else ()
    return rules, values


def _fields(path: str, pack: Pack) -> list[str]:
    """Return the fields that a patched path means; a star stands for any step."""
    return [f.path for f in pack.fields.plain if fnmatchcase(f.path, path)] if "*" in path else [path]


def _fits(path: str, value: Any, pack: Pack) -> bool:
    """Return whether a patched value can be typed into a cell of the register."""
    known = path in pack.fields.by_path and path not in ("agency", "year") and not path.startswith("notes")
    typed = value is None or (isinstance(value, str | int) and not isinstance(value, bool))
    return known and typed and len(str(value)) < 1000 and str(value).isprintable()


def _write_broken(path: Path, cases: dict[str, Any], reports: Any, pack: Pack) -> None:
    by_name = {f"{data['agency']}{data['year']}": data for data in reports}
    bases = [{**by_name[case["base"]], "agency": agency} for agency, case in cases.items()]
    write_register(pack, path, [report_from_data(data, pack) for data in bases])
    workbook = load_workbook(path)
    sheet: Any = workbook.worksheets[0]
    head = next(row for row in sheet.iter_rows(max_row=10) if any(cell.value == "agency" for cell in row))
    columns = {cell.value: cell.column for cell in head}
    for number, case in enumerate(cases.values(), head[0].row + 1):
        for field, value in case["patch"].items():
            sheet.cell(number, columns[field]).value = value
    save_workbook(workbook, path)


if __name__ == "__main__":
    main()
