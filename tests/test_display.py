"""What `nianbao check` shows: text that reads well anywhere, and JSON in the fixed format."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from conftest import consistent_report
from nianbao.findings import SEVERITIES, Finding, Suspect, Where
from nianbao.outputs.results.checkjson import check_json
from nianbao.outputs.results.display import check_table, console_for, wrapped
from nianbao.outputs.results.words import Words, spot_words
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, check, report_from_data
from nianbao.report import Report


def checked(pack: Pack, **changes: Any) -> CheckResult:
    """Return the result of a consistent report after changes to the figures of the new requests."""
    data = consistent_report(pack, 7)
    data["requests"]["new"] |= changes
    result = check(report_from_data(data, pack), pack)
    return replace(result, report=replace(result.report, source=Where("收表/登记表.xlsx", "登记表", row=5)))


def shown(results: list[CheckResult], pack: Pack, unreadable: tuple[tuple[str, str], ...] = ()) -> str:
    stream = io.StringIO()
    console = console_for(stream)
    for part in check_table(iter(results), pack, unreadable):
        console.print(part)
    return stream.getvalue()


def result_of(*findings: Finding, agency: str = "甲局") -> CheckResult:
    return CheckResult(Report({"agency": agency, "year": 2023}, Where("a.xlsx")), findings)


def test_a_report_with_problems_gets_a_table(pack: Pack) -> None:
    text = shown([checked(pack), checked(pack, total=999)], pack)
    lines = text.splitlines()
    assert lines[0].startswith("测试区某局 2023年 未通过  收表/登记表.xlsx 登记表!第5行")
    assert re.split(r"\s{2,}", lines[1].strip()) == ["级别", "位置", "说明", "应为", "来源"]
    assert "表三·一、本年新收·总计" in text
    assert "表三·（七）总计·总计" in text
    assert "T3-ROW" not in text
    assert "requests" not in text
    assert lines[-1] == "共2份：通过1，未通过1，错误2，警告0"


def test_only_reports_with_problems_are_listed(pack: Pack) -> None:
    assert shown([checked(pack)] * 3, pack) == "共3份：通过3，未通过0，错误0，警告0\n"
    assert shown([], pack) == "共0份：通过0，未通过0，错误0，警告0\n"


def test_a_warning_does_not_fail(pack: Pack) -> None:
    finding = Finding("S6-FEE", "warning", "other_matters", Where("a.xlsx"), "没有提到")
    text = shown([result_of(finding)], pack)
    assert "甲局 2023年 有提示" in text
    assert text.endswith("共1份：通过1，未通过0，错误0，警告1\n")


def test_notes_are_counted_not_listed(pack: Pack) -> None:
    notes = [Finding("DERIVED", "info", "requests.new.total", Where(), "已计算", 5)] * 35
    error = Finding("S5-EMPTY", "error", "problems", Where(), "没有文字")
    text = shown([result_of(error, *notes), result_of(*notes)], pack)
    assert "提示（不影响通过）：“空着的合计由勾稽关系确定”35处" in text
    assert text.count("已计算") == 0
    assert text.endswith("共2份：通过1，未通过1，错误1，警告0，提示70\n")


def test_files_that_could_not_be_read_are_named(pack: Pack) -> None:
    text = shown([], pack, (("收表/坏.xlsx", "文件有密码，请取消密码"),))
    assert "未能读取 收表/坏.xlsx：文件有密码，请取消密码" in text
    assert text.endswith("；另有1个文件未能读取\n")


def test_errors_stand_before_warnings(pack: Pack) -> None:
    findings = [Finding("X", level, None, Where(), f"第{level}") for level in reversed(SEVERITIES)]
    text = shown([result_of(*findings)], pack)
    assert text.index("第error") < text.index("第warning")
    assert "整份报告" in text


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (Where("a.xlsx", "表三", "K5"), "表三!K5"),
        (Where("a.xlsx", "登记表", row=5), "登记表!第5行"),
        (Where("a.xlsx", "表三"), "表三"),
        (Where("a.csv", row=5), "第5行"),
        (Where("a.pdf", page=2, table=1), "第2页 第1个表"),
        (Where("a.jsonl", line=3, pointer="/requests/new/total"), "第3行"),
        (Where("a.json", pointer="/3/requests/new/total"), "第4项"),
        (Where("a.json", pointer="/reports/3"), "第4项"),
        (Where("a.json", pointer="/overview/additional/0/text"), ""),
        (Where(), ""),
    ],
)
def test_where_something_stands_in_words(where: Where, words: str) -> None:
    assert spot_words(where) == words


def test_suspects_are_told_once(pack: Pack) -> None:
    suspects = (Suspect({"requests.new.business": 3}, "各项勾稽关系都成立"),)
    finding = Finding("T3-ROW", "error", "requests.new.total", Where(), "差1", 5, 4, suspects)
    other = replace(finding, rule="T3-BALANCE", field="requests.results.total.total")
    text = shown([result_of(finding, other)], pack)
    assert text.count("最可能：各项勾稽关系都成立") == 1


def test_all_suspects_are_told_a_line_each(pack: Pack) -> None:
    paths = [f"requests.new.{who}" for who in ("natural_person", "business", "research")]
    suspects = tuple(Suspect({path: 3}, "各项勾稽关系都成立") for path in paths)
    finding = Finding("T3-ROW", "error", "requests.new.total", Where(), "差1", 5, 4, suspects)
    lines = shown([result_of(finding)], pack).splitlines()
    assert "最可能：各项勾稽关系都成立" in lines
    others = [f"也可能：{pack.fields.place(path)}应为3" for path in paths[1:]]
    assert [line for line in lines if line.startswith("也可能")] == others
    many = shown([result_of(replace(finding, suspects=suspects * 7))], pack)
    assert "另有9种可能，见JSON输出或检查结果.xlsx" in many


def test_suspects_that_the_rules_cannot_tell_apart_share_a_line(pack: Pack) -> None:
    who = ("natural_person", "business", "research", "other")
    names = [pack.fields.place(f"requests.new.{one}") for one in who]
    groups = ("1", "1", None, "2")
    suspects = tuple(Suspect({f"requests.new.{w}": 3}, "…", g) for w, g in zip(who, groups, strict=True))
    finding = Finding("T3-ROW", "error", "requests.new.total", Where(), "差1", 5, 4, suspects)
    text = shown([result_of(finding)], pack).replace("\n", "")
    assert f"最可能是下列2种之一，规则分不清：{names[0]}应为3；或{names[1]}应为3；请核对台账" in text
    assert f"也可能：{names[2]}应为3" in text
    assert f"也可能是下列1种之一，规则分不清：{names[3]}应为3" in text
    assert Words(pack).likely(finding) == (
        f"最可能是下列之一，规则分不清：{names[0]}应为3；或{names[1]}应为3。也可能：{names[2]}应为3；共4种可能"
    )


def test_plain_text_is_whole_and_at_most_120_wide(pack: Pack) -> None:
    message = "很长的说明，" * 40 + "数123456.789止"
    where = Where(
        "别的文件夹/一个名字很长很长的各单位登记表（最终版）.xlsx", "一个名字很长的工作表", "XFD1048576"
    )
    finding = Finding("T3-ROW", "error", "requests.new.total", where, message, "应" * 60, 4)
    text = shown([result_of(finding)], pack)
    assert "\x1b" not in text
    assert all(cell_len(line) <= 120 for line in text.splitlines())
    assert "123456.789" in text
    squeezed = re.sub(r"\s", "", text)
    assert "…" not in squeezed
    for part, count in (("很长的说明，", 40), ("应", 61)):
        # Columns are interleaved line by line, so a column is counted, not searched.
        assert sum(squeezed.count(c) for c in set(part)) >= count
    assert squeezed.count("XFD1048576") == 1


def test_a_narrow_terminal_with_colours(pack: Pack) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=60, force_terminal=True, color_system="standard")
    for part in check_table([checked(pack, total=999)], pack):
        console.print(part)
    assert "\x1b[1;31m错误" in stream.getvalue()
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert all(cell_len(line) <= 60 for line in plain.splitlines())
    assert "未通过" in plain


def test_markup_and_control_characters_are_shown_as_they_are(pack: Pack) -> None:
    finding = Finding("X", "error", "[red]栏目[/red]", Where(), "[bold]说明\x1b[31m\ud800[/bold]")
    text = shown([result_of(finding, agency="[b]甲[/b]:smile:")], pack)
    text.encode()
    assert "[b]甲[/b]:smile:" in text
    assert "[red]栏目[/red]" in text
    assert "[bold]说明〈U+001B〉[31m〈U+D800〉[/bold]" in text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), st.integers(4, 60))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    assert wrapped(text, width).replace("\n", "") == text.replace("\n", "")


def test_wrapping_splits_no_number_and_begins_no_line_with_a_stop() -> None:
    text = "各类申请人之和为12,345.67，总计填33，差2。" * 5
    for width in range(14, 60):
        lines = wrapped(text, width).split("\n")
        assert all(cell_len(line) <= width for line in lines)
        assert not any(line.startswith(tuple("，。")) for line in lines)
        assert sum(line.count("12,345.67") for line in lines) == 5


# The format that the design fixes: every key, and the type of its value.
SHAPE = {
    "pack": str,
    "reports": [
        {
            "agency": str,
            "year": int,
            "source": {"file": str, "sheet": str, "row": int},
            "status": str,
            "findings": [
                {
                    "rule": str,
                    "severity": str,
                    "field": str,
                    "where": {"file": str, "sheet": str, "cell": str},
                    "message": str,
                    "expected": int,
                    "actual": int,
                    "suspects": [
                        {"changes": {"requests.new.business": int}, "reason": str, "group": type(None)}
                    ],
                    "basis": str,
                }
            ],
        }
    ],
    "unreadable": [{"file": str, "message": str}],
    "summary": {"reports": int, "passed": int, "failed": int, "errors": int, "warnings": int},
}


def shape(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: shape(value) for key, value in data.items()}
    return [shape(item) for item in data] if isinstance(data, list) else type(data)


def example() -> CheckResult:
    suspects = (Suspect({"requests.new.business": 3}, "改后成立"),)
    where = Where("登记表.xlsx", "登记表", "K5")
    finding = Finding("T3-ROW", "error", "requests.new.total", where, "差1", 42, 41, suspects, "格式表三")
    return CheckResult(
        Report({"agency": "甲局", "year": 2023}, Where("登记表.xlsx", "登记表", row=3)), (finding,)
    )


def test_the_json_has_the_fixed_shape(pack: Pack) -> None:
    data = check_json([example()], [("坏.xlsx", "文件有密码")], pack)
    assert shape(data) == SHAPE
    # The order of the keys is that of the design, too.
    assert json.dumps(shape(data), default=str) == json.dumps(SHAPE, default=str)
    assert data == {
        "pack": "cn-ogi/2021",
        "reports": [
            {
                "agency": "甲局",
                "year": 2023,
                "source": {"file": "登记表.xlsx", "sheet": "登记表", "row": 3},
                "status": "fail",
                "findings": [
                    {
                        "rule": "T3-ROW",
                        "severity": "error",
                        "field": "requests.new.total",
                        "where": {"file": "登记表.xlsx", "sheet": "登记表", "cell": "K5"},
                        "message": "差1",
                        "expected": 42,
                        "actual": 41,
                        "suspects": [
                            {"changes": {"requests.new.business": 3}, "reason": "改后成立", "group": None}
                        ],
                        "basis": "格式表三",
                    }
                ],
            }
        ],
        "unreadable": [{"file": "坏.xlsx", "message": "文件有密码"}],
        "summary": {"reports": 1, "passed": 0, "failed": 1, "errors": 1, "warnings": 0},
    }


def test_the_json_counts_warnings_as_passed(pack: Pack) -> None:
    warning = Finding("S6-FEE", "warning", "other_matters", Where(), "…")
    data = check_json(iter([example(), result_of(warning), result_of()]), [], pack)
    assert [report["status"] for report in data["reports"]] == ["fail", "warn", "pass"]
    assert data["summary"] == {"reports": 3, "passed": 2, "failed": 1, "errors": 1, "warnings": 1}
    assert data["unreadable"] == []


@pytest.mark.parametrize("value", [Decimal("163.8908"), None, True, 3, "文字"])
def test_values_in_the_json_are_plain(pack: Pack, value: Any) -> None:
    finding = Finding("X", "error", None, Where(page=2, box=(1.0, 2.0, 3.0, 4.0)), "…", value, value)
    data = json.loads(json.dumps(check_json([result_of(finding)], [], pack)))["reports"][0]["findings"][0]
    assert data["expected"] == data["actual"] == ("163.8908" if isinstance(value, Decimal) else value)
    assert data["where"] == {"page": 2, "box": [1.0, 2.0, 3.0, 4.0]}
    assert data["field"] is None


def test_the_json_can_always_be_written(pack: Pack) -> None:
    """A name that is no UTF-8, and a text with half a character: no output could encode them."""
    finding = Finding("X", "error", "\ud800", Where("\udcb1\udced.xlsx"), "是“\ud800”", actual="\ud800")
    data = check_json([result_of(finding, agency="甲")], [("\udcb1.xlsx", "…")], pack)
    text = json.dumps(data, ensure_ascii=False)
    text.encode()
    assert data["reports"][0]["findings"][0]["message"] == "是“\\ud800”"
    assert data["unreadable"][0]["file"] == "\\udcb1.xlsx"


def test_the_json_of_a_nameless_report(pack: Pack) -> None:
    data = check_json([CheckResult(Report({}), ())], [], pack)["reports"][0]
    assert (data["agency"], data["year"], data["source"]) == ("", None, {})
