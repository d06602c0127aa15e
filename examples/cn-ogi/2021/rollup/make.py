"""Make the example of a roll-up: a made-up district of eight agencies, last year's figures, a roster."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from nianbao.fields import place_value
from nianbao.pack import Pack, load_pack
from nianbao.rules.instances import totals

HERE = Path(__file__).parent
YEAR = 2023

Figures = dict[str, int | str]

# name: category, code, then the figures other than 0; totals follow from the rules.
AGENCIES: dict[str, tuple[str, str, Figures]] = {
    "清河区人民政府": (
        "government",
        "11999901000000001A",
        {
            "disclosure.normative_documents.issued": 3,
            "disclosure.normative_documents.repealed": 1,
            "disclosure.normative_documents.in_force": 27,
            "requests.new.natural_person": 6,
            "requests.new.business": 1,
            "requests.carried_in.natural_person": 1,
            "requests.results.granted.natural_person": 4,
            "requests.results.partial.natural_person": 1,
            "requests.results.unavailable.not_held.natural_person": 1,
            "requests.results.unavailable.not_held.business": 1,
            "requests.carried_out.natural_person": 1,
            "disputes.reconsideration.upheld": 1,
        },
    ),
    "清河区民政局": (
        "department",
        "11999901000000002B",
        {
            "disclosure.licensing.decisions": 48,
            "disclosure.penalties.decisions": 2,
            "requests.new.natural_person": 12,
            "requests.results.granted.natural_person": 9,
            "requests.results.refused.third_party.natural_person": 1,
            "requests.results.not_processed.repeated.natural_person": 1,
            "requests.carried_out.natural_person": 1,
        },
    ),
    "清河区自然资源局": (
        "department",
        "11999901000000003C",
        {
            "disclosure.normative_documents.issued": 1,
            "disclosure.normative_documents.in_force": 9,
            "disclosure.licensing.decisions": 213,
            "disclosure.penalties.decisions": 17,
            "disclosure.administrative_fees.amount": "163.8908",
            "requests.new.natural_person": 31,
            "requests.new.legal_service": 2,
            "requests.carried_in.natural_person": 3,
            "requests.results.granted.natural_person": 18,
            "requests.results.granted.legal_service": 2,
            "requests.results.partial.natural_person": 5,
            "requests.results.refused.internal_affairs.natural_person": 1,
            "requests.results.refused.enforcement_files.natural_person": 2,
            "requests.results.unavailable.not_held.natural_person": 4,
            "requests.results.unavailable.needs_creation.natural_person": 1,
            "requests.results.other.miscellaneous.natural_person": 1,
            "requests.carried_out.natural_person": 2,
            "disputes.reconsideration.upheld": 2,
            "disputes.reconsideration.corrected": 1,
            "disputes.litigation_after_reconsideration.upheld": 1,
            "profile.processing_fee.notices": 1,
            "profile.processing_fee.billed": "120.50",
            "profile.processing_fee.collected": "120.50",
        },
    ),
    "清河区市场监督管理局": (
        "department",
        "11999901000000004D",
        {
            "disclosure.licensing.decisions": 1904,
            "disclosure.penalties.decisions": 356,
            "disclosure.coercion.decisions": 12,
            "disclosure.administrative_fees.amount": "0.82",
            "requests.new.natural_person": 19,
            "requests.new.business": 4,
            "requests.results.granted.natural_person": 6,
            "requests.results.granted.business": 3,
            "requests.results.not_processed.petition_complaint.natural_person": 11,
            "requests.results.other.correction_overdue.natural_person": 2,
            "requests.results.unavailable.not_held.business": 1,
            "disputes.litigation_direct.pending": 1,
        },
    ),
    "清河区教育体育局": (
        "department",
        "11999901000000005E",
        {
            "disclosure.licensing.decisions": 6,
            "requests.new.natural_person": 5,
            "requests.new.research": 1,
            "requests.results.granted.natural_person": 5,
            "requests.results.granted.research": 1,
        },
    ),
    "清河区柳林街道办事处": (
        "subdistrict",
        "11999901000000006F",
        {
            "disclosure.penalties.decisions": 8,
            "requests.new.natural_person": 7,
            "requests.carried_in.natural_person": 1,
            "requests.results.granted.natural_person": 5,
            "requests.results.unavailable.not_held.natural_person": 2,
            "requests.carried_out.natural_person": 1,
            "disputes.reconsideration.corrected": 1,
        },
    ),
    "清河区石桥街道办事处": (
        "subdistrict",
        "11999901000000007G",
        {
            "disclosure.penalties.decisions": 3,
            "requests.new.natural_person": 3,
            "requests.results.granted.natural_person": 3,
        },
    ),
    "国家税务总局清河区税务局": (
        "vertical",
        "11999901000000008H",
        {
            "disclosure.penalties.decisions": 140,
            "requests.new.business": 5,
            "requests.results.granted.business": 5,
        },
    ),
}
# What last year left open, by agency.
LEFT_OPEN = {"清河区人民政府": 1, "清河区自然资源局": 3, "清河区柳林街道办事处": 1}
WHOLE = "清河区人民政府"

TEXTS: dict[str, Any] = {
    "overview": {
        "proactive": {"text": "（示例文字）按照重点领域目录公开政府信息，规范性文件均附政策解读。"},
        "on_request": {"text": "（示例文字）依法办理政府信息公开申请，答复文书经法制审核。"},
        "management": {"text": "（示例文字）公开前逐件审查，定期清理已失效的信息。"},
        "platform": {"text": "（示例文字）政府网站栏目按目录设置，专人维护。"},
        "oversight": {"text": "（示例文字）工作考核、社会评议结果良好，没有责任追究情形。"},
    },
    "problems": "（示例文字）基层单位公开内容的更新还不够及时。\n下一步将每季度检查一次，督促改进。",
    "other_matters": "（示例文字）按《政府信息公开信息处理费管理办法》收取信息处理费的情况已在表格后说明。",
}


def report(agency: str, pack: Pack, figures: Figures, year: int = YEAR, scope: str = "own") -> dict[str, Any]:
    """Return the data of an agency's report: its figures, zeros, totals, and texts."""
    category, code, _ = AGENCIES[agency]
    sums = totals(pack.rules.instances)
    numbers = {f.path: figures.get(f.path, 0) for f in pack.fields.numbers if f.required}
    pending = dict(sums)
    while pending:
        for total in [t for t, parts in pending.items() if not any(part in pending for part in parts)]:
            numbers[total] = sum(int(numbers[part]) for part in pending.pop(total))
    data: dict[str, Any] = {"agency": agency, "year": year, **TEXTS}
    for path, value in {**numbers, **figures}.items():
        known = pack.fields.by_path[path]
        place_value(data, path, str(value) if known.kind == "amount" else value)
    profile = {"code": code, "category": category, "scope": scope, "in_rollup": category != "vertical"}
    data["profile"] = {**profile, "rulemaking_power": False, **data.get("profile", {})}
    return data


def last_year(agency: str) -> Figures:
    """Return last year's figures of an agency: much the same, but for what was left open then."""
    figures = {path: n for path, n in AGENCIES[agency][2].items() if ".carried_" not in path}
    # What was issued this year was not in force then, what was repealed was.
    issued, repealed, in_force = (
        f"disclosure.normative_documents.{k}" for k in ("issued", "repealed", "in_force")
    )
    changed = int(figures.pop(issued, 0)) - int(figures.pop(repealed, 0))
    if in_force in figures:
        figures[in_force] = int(figures[in_force]) - changed
    done = (n for path, n in figures.items() if ".results." in path and path.endswith(".natural_person"))
    left = LEFT_OPEN.get(agency, 0)
    figures["requests.new.natural_person"] = sum(map(int, done)) + left
    figures["requests.carried_out.natural_person"] = left
    return figures


def sum_of(agencies: list[str]) -> Figures:
    """Return last year's figures of all agencies together."""
    whole: dict[str, Decimal] = {}
    for agency in agencies:
        for path, number in last_year(agency).items():
            whole[path] = whole.get(path, Decimal(0)) + Decimal(number)
    return {path: int(n) if n == int(n) and "amount" not in path else str(n) for path, n in whole.items()}


def main(folder: Path = HERE) -> None:
    """Write a file for each agency, last year's reports, the roster and the adjustments into `folder`."""
    pack = load_pack("cn-ogi/2021")
    reports = folder / "reports"
    reports.mkdir(exist_ok=True)
    for agency, (_, _, figures) in AGENCIES.items():
        _write_json(reports / f"{agency}.json", report(agency, pack, figures))
    last = [report(agency, pack, last_year(agency), YEAR - 1) for agency in AGENCIES]
    counted = [agency for agency, (category, *_) in AGENCIES.items() if category != "vertical"]
    last.append(report(WHOLE, pack, sum_of(counted), YEAR - 1, "region"))
    _write_json(folder / "previous.json", last)
    known = {field.path: dict(field.choices) for field in pack.fields}
    rows = [["单位名称", "代码", "类别", "口径", "计入汇总"]]
    for agency, (category, code, _) in AGENCIES.items():
        label = known["profile.category"][category]
        rows.append([agency, code, label, "本单位", "否" if category == "vertical" else "是"])
    _write_csv(folder / "roster.csv", rows)
    place = pack.fields.place
    _write_csv(
        folder / "adjustments.csv",
        [
            ["栏目", "调整数", "理由", "批准人", "涉及单位"],
            [
                place("disputes.reconsideration.corrected"),
                "-1",
                "同一件复议案件，自然资源局与柳林街道为共同被申请人，只计一件",
                "王主任",
                "清河区柳林街道办事处",
            ],
            [
                place("disclosure.licensing.decisions"),
                "+35",
                "划转行政审批局的许可事项，由区政府办公室汇总填报",
                "王主任",
                "清河区人民政府",
            ],
        ],
    )


def _write_json(path: Path, data: object) -> None:
    path.write_text(f"{json.dumps(data, ensure_ascii=False, indent=1)}\n", encoding="utf-8")


def _write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
