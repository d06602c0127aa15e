"""Make the example of a collection: a roster of eight made-up agencies and what came from them in two rounds.

`received/` is what lay in the folder on 28 January, `corrected/` what lay there four days later.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from nianbao.outputs.files import write_atomic
from nianbao.outputs.forms import write_form
from nianbao.outputs.workbook.xlsx import save_workbook
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import render, report_from_data

HERE = Path(__file__).parent
HEADINGS = ("单位名称", "代码", "类别", "口径", "计入汇总", "联系人", "电话", "邮箱", "曾用名")
FORMER = "清河区大数据管理局"
ROSTER = (
    ("清河区人民政府", "QH001", "政府", "全区域", "否", "赵一", "000-0001", "zf@example.org", None),
    ("清河区教育局", "QH002", "部门", "本单位", "是", "钱二", "000-0002", "jy@example.org", None),
    ("清河区民政局", "QH003", "部门", "本单位", "是", "孙三", "000-0003", "mz@example.org", None),
    ("清河区财政局", "QH004", "部门", "本单位", "是", "李四", "000-0004", "cz@example.org", None),
    ("清河区数据局", "QH005", "部门", "本单位", "是", "周五", "000-0005", "sj@example.org", FORMER),
    ("东街街道办事处", "QH006", "街道", "本单位", "是", "吴六", "000-0006", "dj@example.org", "东街街道"),
    ("清河区税务局", "QH007", "垂直管理机构", "本单位", "否", "郑七", "000-0007", "sw@example.org", None),
    ("柳林镇人民政府", "QH008", "乡镇", "本单位", "是", "王八", "000-0008", "ll@example.org", None),
)  # fmt: skip
_TOPICS = {
    "proactive": "按时公开机构职能、行政执法和财政预决算等信息。",
    "on_request": "明确专人受理公开申请，统一登记、限时答复。",
    "management": "公开前逐件审查，定期清理已失效的文件。",
    "platform": "维护好门户网站的公开专栏。",
    "oversight": "开展了工作考核和社会评议，没有责任追究情形。",
}


def main(folder: Path = HERE) -> None:
    """Write roster.xlsx, aliases.csv, previous.json, received/ and corrected/ into `folder`."""
    pack = load_pack("cn-ogi/2021")
    _write_roster(folder / "roster.xlsx")
    aliases = f"原单位,现单位,变动\n{FORMER},清河区数据局,改名\n"
    (folder / "aliases.csv").write_text(aliases, encoding="utf-8")
    text = json.dumps(list(last_year()), ensure_ascii=False, indent=1)
    (folder / "previous.json").write_text(f"{text}\n", encoding="utf-8")
    for name, files in (("received", received()), ("corrected", corrected())):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, data in files:
            _write(folder / name / file, data, pack)


def figures(agency: str, code: str, base: int) -> dict[str, Any]:
    """Return a made-up report that is consistent: `base` more requests, all carried over."""
    reports = json.loads((HERE.parent / "reports.json").read_text(encoding="utf-8"))
    data = copy.deepcopy(next(r for r in reports if r["requests"]["new"]["total"] == 40))
    requests = data["requests"]
    for row in ("new", "carried_out"):
        requests[row]["business"] += base
        requests[row]["total"] += base
    return {
        "agency": agency,
        "year": 2023,
        "overview": {topic: {"text": text} for topic, text in _TOPICS.items()},
        **{name: data[name] for name in ("disclosure", "requests", "disputes")},
        "problems": "信息公开的更新还不够及时。\n下一步将加强培训，按月检查公开专栏。",
        "other_matters": "2023年没有收取信息处理费。",
        "profile": {"code": code, "preparer": "张三", "reviewer": "李四", "leader": "王五"},
    }


def last_year() -> Iterator[dict[str, Any]]:
    """Yield last year's reports; the tax office carried over one more than it says this year."""
    reports = json.loads((HERE.parent / "previous.json").read_text(encoding="utf-8"))
    base = next(r for r in reports if r["requests"]["carried_out"]["total"] == 2)
    for name, code, *_, former in ROSTER:
        data = {key: copy.deepcopy(base[key]) for key in ("year", "disclosure", "requests", "disputes")}
        if name == "清河区税务局":
            for row in ("new", "carried_out"):
                data["requests"][row]["business"] += 1
                data["requests"][row]["total"] += 1
        texts = {"overview": {topic: {"text": text} for topic, text in _TOPICS.items()}}
        yield {"agency": former if former == FORMER else name, **data, **texts, "profile": {"code": code}}


def received() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what lay in the folder in the first round: one wrong, one twice, one of nobody, one missing."""
    yield "政府/清河区年报.xlsx", figures("清河区人民政府", "QH001", 5)
    yield "教育局填报表.xlsx", figures("清河区教育局", "QH002", 1)
    yield "教育局填报表（改）.xlsx", figures("清河区教育局", "QH002", 2)
    wrong = figures("清河区财政局", "QH004", 3)
    wrong["requests"]["new"]["total"] -= 1
    yield "czj.json", wrong
    # Under its former name, as a finished Word file.
    yield "年报终稿.docx", figures(FORMER, "QH005", 9)
    # A name that the roster does not know, but its code does.
    yield "dongjie.xlsx", figures("东街办", "QH006", 0)
    explained = figures("清河区税务局", "QH007", 6)
    explained["problems"] = "人手不足，业务培训不够。"
    yield "税务.json", explained
    stranger = figures("柳林镇", "", 7)
    yield "年报终稿2.json", stranger


def corrected() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what lay in the folder four days later: the wrong one mended, the missing one there."""
    for file, data in received():
        if file == "czj.json":
            data = figures("清河区财政局", "QH004", 4)
        if file == "教育局填报表.xlsx":
            continue
        if file == "年报终稿.docx":
            data["agency"] = "清河区数据局"
        if file == "年报终稿2.json":
            data["agency"] = "柳林镇人民政府"
        yield file, data
    yield "民政局.xlsx", figures("清河区民政局", "QH003", 8)


def _write(path: Path, data: dict[str, Any], pack: Pack) -> None:
    path.parent.mkdir(exist_ok=True)
    report = report_from_data(data, pack)
    if path.suffix == ".xlsx":
        write_form(pack, path, report=report)
    elif path.suffix == ".docx":
        write_atomic(path, render(report, pack))
    else:
        path.write_text(f"{json.dumps(data, ensure_ascii=False, indent=1)}\n", encoding="utf-8")


def _write_roster(path: Path) -> None:
    workbook = Workbook()
    sheet: Any = workbook.active
    sheet.title = "名录"
    for row in (HEADINGS, *ROSTER):
        sheet.append(row)
    for letter, width in zip("ABCDEFGHI", (22, 10, 14, 9, 9, 9, 12, 18, 22), strict=True):
        sheet.column_dimensions[letter].width = width
    save_workbook(workbook, path)


if __name__ == "__main__":
    main()
