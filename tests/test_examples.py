"""The example data of cn-ogi/2021: five clean reports, and cases with one mistake each."""

from __future__ import annotations

import copy
import json
import os
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nianbao.fields import split_path
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import check, render, report_from_data
from nianbao.report import leaves

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "examples" / "cn-ogi" / "2021"
SCHEMAS = ROOT / "schemas" / "cn-ogi" / "2021"
SEEDS = Path(os.environ.get("NIANBAO_SEEDS") or ROOT.parent / "shared" / "seeds")
REPORTS: list[dict[str, Any]] = json.loads((FOLDER / "reports.json").read_bytes())
CASES: list[dict[str, Any]] = json.loads((FOLDER / "broken" / "cases.json").read_bytes())
# Cases beside last year's report: test_yearly.py runs them.
YEAR_CASES: list[dict[str, Any]] = json.loads((FOLDER / "broken" / "year-cases.json").read_bytes())
# What reading and the schema report; all other ids are rules of the pack.
ENGINE_RULES = {"VALUE", "BLANK", "BLANK-ZERO", "DERIVED", "ZERO-DECLARED", "UNKNOWN", "SCHEMA"}

needs_seeds = pytest.mark.skipif(not list(SEEDS.glob("*.txt")), reason=f"reference material missing: {SEEDS}")
each_report = pytest.mark.parametrize("data", REPORTS, ids=lambda data: f"{data['agency']}{data['year']}")


@cache
def the_pack() -> Pack:
    return load_pack("cn-ogi/2021")


def found(data: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Return the findings that `data` gives, as (rule, field)."""
    return [(f.rule, f.field) for f in check(report_from_data(data, the_pack()), the_pack()).findings]


# ---- the five reports ----


@each_report
def test_each_example_report_gives_no_finding(data: dict[str, Any]) -> None:
    assert found(data) == []


@each_report
def test_each_example_report_can_be_rendered(data: dict[str, Any]) -> None:
    assert render(report_from_data(data, the_pack()), the_pack()).startswith(b"PK")


@each_report
def test_the_keys_of_each_example_report_stand_in_the_order_of_the_schema(data: dict[str, Any]) -> None:
    order = [field.path for field in the_pack().fields.plain]
    keys = [path for path, _ in leaves(data) if path in the_pack().fields.by_path]
    assert keys == sorted(keys, key=order.index)


@each_report
def test_every_number_of_cases_in_an_example_text_stands_in_the_tables(data: dict[str, Any]) -> None:
    figures = {str(value) for path, value in leaves(data) if re.match("disclosure|requests|disputes", path)}
    for path, text in texts(data):
        for number in re.findall(r"([0-9.]+)(?:件|万元)", text):
            assert number in figures | {"0"}, f"{path}: {number}"


def test_the_government_reports_assessment_public_review_and_accountability() -> None:
    (data,) = (data for data in REPORTS if data["profile"]["category"] == "government")
    assert all(word in data["overview"]["oversight"]["text"] for word in ("工作考核", "社会评议", "责任追究"))


def test_an_agency_that_declares_no_applications_has_only_zeros_in_tables_three_and_four() -> None:
    for data in REPORTS:
        tables = {"requests": data["requests"], "disputes": data["disputes"]}
        assert data["profile"]["no_applications"] is not any(value for _, value in leaves(tables))


def texts(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the narrative texts of a report."""
    fields = the_pack().fields
    for path, value in leaves(data):
        field = fields.find(path)
        if field is not None and field.kind in ("text", "line") and isinstance(value, str):
            yield path, value


# ---- the published originals: figures equal, sentences not ----

# Four radicals that look like their characters and that NFKC leaves alone.
_RADICALS = str.maketrans("⺠⻓⻔⻛", "民长门风")


@cache
def seeds() -> list[str]:
    """Return the published reports without look-alike characters, in the order of their names."""
    raw = (path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.txt")))
    return [unicodedata.normalize("NFKC", text).translate(_RADICALS) for text in raw]


# The rows of the statutory form in its order, in NFKC: the words that stand before the figures, and how many
# figures follow. What stands in braces may be missing: one published report has 法律法规.
LINES = [
    ("规章", 3),
    ("行政规范性文件", 3),
    ("行政许可", 1),
    ("行政处罚", 1),
    ("行政强制", 1),
    ("行政事业性收费", 1),
    ("一、本年新收政府信息公开申请数量", 7),
    ("二、上年结转政府信息公开申请数量", 7),
    ("(一)予以公开", 7),
    ("(二)部分公开(区分处理的,只计这一情形,不计其他情形)", 7),
    ("1.属于国家秘密", 7),
    ("2.其他法律{行政}法规禁止公开", 7),
    ("3.危及“三安全一稳定”", 7),
    ("4.保护第三方合法权益", 7),
    ("5.属于三类内部事务信息", 7),
    ("6.属于四类过程性信息", 7),
    ("7.属于行政执法案卷", 7),
    ("8.属于行政查询事项", 7),
    ("1.本机关不掌握相关政府信息", 7),
    ("2.没有现成信息需要另行制作", 7),
    ("3.补正后申请内容仍不明确", 7),
    ("1.信访举报投诉类申请", 7),
    ("2.重复申请", 7),
    ("3.要求提供公开出版物", 7),
    ("4.无正当理由大量反复申请", 7),
    ("5.要求行政机关确认或重新出具已获取信息", 7),
    ("1.申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请", 7),
    ("2.申请人逾期未按收费通知要求缴纳费用、行政机关不再处理其政府信息公开申请", 7),
    ("3.其他", 7),
    ("(七)总计", 7),
    ("四、结转下年度继续办理", 7),
    # The head of table four ends with the last 总计; all 15 figures stand in one line below it.
    ("结果维持结果纠正其他结果尚未审结总计结果维持结果纠正其他结果尚未审结总计", 15),
]


def figures_of(text: str) -> tuple[list[Decimal], str]:
    """Return the figures of the three tables in the order of the form, and what is left of the tables.

    A label or a line of figures may be broken anywhere by white space.
    """
    start = re.search(r"二、主动公开政府信息情况", text)
    end = re.search(r"五、存在的主要问题及改进情况", text)
    assert start
    assert end
    rest, figures, left = text[start.end() : end.start()], [], ""
    for label, count in LINES:
        spaced = "".join({"{": "(?:", "}": ")?"}.get(c, re.escape(c) + r"\s*") for c in label)
        line = re.search(rf"(?<!\w){spaced}(?<=\s)((?:[0-9.]+\s+){{{count}}})", rest)
        assert line, label
        figures += map(Decimal, line[1].split())
        left, rest = left + rest[: line.start()], rest[line.end() :]
    return figures, left + rest


@needs_seeds
@pytest.mark.parametrize("index", range(5))
def test_the_figures_of_each_example_are_those_of_the_published_report(index: int) -> None:
    published, left = figures_of(seeds()[index])
    assert re.findall("[0-9]+", left.replace("保留4位小数", "")) == []
    numbers = the_pack().fields.numbers
    own = dict(leaves(REPORTS[index]))
    paths = [field.path for field in numbers if not field.path.startswith("profile.")]
    assert len(published) == len(paths) == 200
    assert {path: Decimal(own[path]) for path in paths} == dict(zip(paths, published, strict=True))


@needs_seeds
@pytest.mark.parametrize("index", range(5))
def test_agency_and_year_of_each_example_are_those_of_the_published_title(index: int) -> None:
    data = REPORTS[index]
    title = f"{data['agency']}{data['year']}年政府信息公开工作年度报告"
    lines = re.sub(r"[ #\t]", "", seeds()[index]).replace("公\n开", "公开").splitlines()
    assert title in lines


@needs_seeds
def test_there_are_as_many_examples_as_published_reports() -> None:
    assert len(REPORTS) == len(seeds()) == 5


@needs_seeds
def test_no_sentence_of_the_examples_is_copied_from_a_published_report() -> None:
    published = [re.sub(r"\s", "", text) for text in seeds()]
    # Stricter than whole sentences: no twelve characters in a row.
    windows = {
        piece[start : start + 12]
        for data in REPORTS
        for _, text in texts(data)
        for piece in own_words(text)
        for start in range(len(piece) - 11)
    }
    assert len(windows) > 500
    assert {window for window in windows if any(window in text for text in published)} == set()


def own_words(text: str) -> Iterator[str]:
    """Yield the runs of Chinese characters between punctuation, without statutory labels and names."""
    text = re.sub("《[^》]*》", "。", text)
    for name in official_names():
        text = text.replace(name, "。")
    yield from re.findall("[\u4e00-\u9fff]{12,}", unicodedata.normalize("NFKC", text))


@cache
def official_names() -> list[str]:
    """Return the words that a report must share with others: labels of the form, its name, its agency."""
    labels = {node.title for node in the_pack().fields.nodes.values()} | {str(the_pack().meta["subject"])}
    agencies = {name for data in REPORTS for name in (data["agency"], data["signature"]["name"])}
    runs = {run for text in labels | agencies for run in re.findall("[\u4e00-\u9fff]{8,}", text)}
    return sorted(runs, key=lambda run: (-len(run), run))


# ---- the broken cases ----


def patched(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base report of a case with its patch applied; a path with ``*`` means all fields it fits."""
    base = next(data for data in REPORTS if f"{data['agency']}{data['year']}" == case["base"])
    data = copy.deepcopy(base)
    for path, value in case["patch"].items():
        fits = [leaf for leaf, _ in leaves(base) if fnmatchcase(leaf, path)] if "*" in path else [path]
        assert fits, path
        for fit in fits:
            put(data, fit, value)
    return data


def put(data: Any, path: str, value: Any) -> None:
    """Set the value at `path`; missing objects are made, items of lists must be there."""
    *steps, last = split_path(path)
    for step in steps:
        data = data[step] if isinstance(step, int) else data.setdefault(step, {})
    data[last] = copy.deepcopy(value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_broken_case_gives_exactly_its_findings(case: dict[str, Any]) -> None:
    expected = Counter((finding["rule"], finding["field"]) for finding in case["findings"])
    assert Counter(found(patched(case))) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_no_message_of_a_broken_case_has_a_name_left_unfilled(case: dict[str, Any]) -> None:
    for finding in check(report_from_data(patched(case), the_pack()), the_pack()).findings:
        assert finding.message
        assert not re.search(r"\{\w+(\.\w+)?\}", finding.message)


def test_every_rule_has_a_broken_case() -> None:
    rules = {rule["id"] for rule in tomllib.loads((SCHEMAS / "rules.toml").read_text("utf-8"))["rule"]}
    shown = {finding["rule"] for case in CASES + YEAR_CASES for finding in case["findings"]}
    assert shown == rules | ENGINE_RULES


def test_every_slip_of_the_word_list_has_a_broken_case() -> None:
    slips = tomllib.loads((SCHEMAS / "variants.toml").read_text("utf-8"))["slips"]
    broken = [
        value
        for case in CASES
        if any(finding["rule"] == "SLIPS" for finding in case["findings"])
        for value in case["patch"].values()
    ]
    for slip in slips:
        assert any(re.search(slip["wrong"], text) for text in broken), slip["wrong"]


def test_the_broken_cases_have_different_names_and_each_differs_from_its_base() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(patched(case) not in REPORTS for case in CASES)
