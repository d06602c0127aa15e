"""Packs: found, linted when they load, and made anew without Python."""

from __future__ import annotations

import io
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from conftest import ROOT, consistent_report
from nianbao.errors import PackError, TemplateError
from nianbao.pack import Pack, list_packs, load_pack
from nianbao.packlint import lint_pack
from nianbao.packnew import new_pack
from nianbao.pipeline import check, render, report_from_data
from nianbao.rendering.lint import lint_template, load_template

Edit = Callable[[str], str]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The folder of a new small pack."""
    folder = tmp_path / "my-report"
    new_pack(folder)
    return folder


def test_the_packs_that_come_along_have_no_problems() -> None:
    for folder in list_packs():
        assert list(lint_pack(load_pack(folder))) == []


def test_a_new_pack_checks_and_renders_at_once(small: Path) -> None:
    pack = load_pack(small)
    data = {
        "agency": "某局",
        "year": 2024,
        "cases": {"online": 1, "offline": 2, "total": 4},
        "problems": "少",
    }
    result = check(report_from_data(data, pack), pack)
    assert [(f.rule, f.field, f.expected) for f in result.findings] == [("T1-TOTAL", "cases.total", 3)]
    table = Document(io.BytesIO(render(result.report, pack))).tables[0]
    assert [row.cells[1].text for row in table.rows] == ["1", "2", "4"]


def test_the_newest_edition_answers_to_the_kind_alone() -> None:
    assert load_pack("cn-ogi").id == "cn-ogi/2021"


def test_an_unknown_pack_is_named_with_those_that_there_are() -> None:
    with pytest.raises(PackError, match="没有报表包“nope”，可用的有：cn-ogi/2021"):
        load_pack("nope")


def test_a_folder_of_packs_of_ones_own_is_searched_first(small: Path) -> None:
    assert load_pack("my-report", [small.parent]).id == "my-report"


def test_a_pack_goes_to_another_process_as_its_files(pack: Pack) -> None:
    copy = pickle.loads(pickle.dumps(pack))
    report = report_from_data(consistent_report(pack, 1), pack)
    assert copy.digest == pack.digest
    assert render(report, copy) == render(report, pack)


def edit(path: Path, change: Edit) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "rules.toml",
            lambda t: t.replace("cases.total", "cases.sum"),
            "my-report/rules.toml：规则T1-TOTAL：assert第22列：没有这个栏目：cases.sum",
        ),
        ("rules.toml", lambda t: t.replace("cases.total", "problems"), "不是数字栏目"),
        ("rules.toml", lambda t: t.replace("cases[kinds]", "problems[*]"), r"problems\[\*\] 不含任何栏目"),
        (
            "rules.toml",
            lambda t: t.replace("sum(cases[kinds])", "cases.online * cases.total"),
            "只能加、减，或乘以常数",
        ),
        ("rules.toml", lambda t: t.replace("sum(", "max("), "只能调用 sum"),
        (
            "rules.toml",
            lambda t: t.replace("cases[kinds]", "cases[kind]"),
            "方括号里的“kind”既不是变量也不是集合",
        ),
        ("rules.toml", lambda t: t.replace("==", "= ="), "规则T1-TOTAL：assert第19列：表达式写法有误"),
        ("rules.toml", lambda t: t.replace("==", "!="), "assert第1列：只能用 == <= >= < > 比较"),
        (
            "rules.toml",
            lambda t: t.replace('cases.total"', 'cases.total + cases.online"'),
            "assert第1列：两边都有cases.online，相互抵消",
        ),
        (
            "rules.toml",
            lambda t: t.replace("sum(cases[kinds]) == cases.total", "1 == 1"),
            "assert第1列：两边都没有栏目",
        ),
        (
            "rules.toml",
            lambda t: t.replace("sum(cases[kinds])", "sum(cases[kinds], start=3)"),
            r"只能调用 sum\(栏目\)",
        ),
        (
            "rules.toml",
            lambda t: t.replace("assert =", "when = \"agency == '某局' and yaer == 2024\"\nassert ="),
            "规则T1-TOTAL：when第20列：没有这个栏目：yaer",
        ),
        (
            "rules.toml",
            lambda t: t.replace("assert =", 'field = "cases.sum"\nassert ='),
            "规则T1-TOTAL：field第1列：没有这个栏目：cases.sum",
        ),
        (
            "rules.toml",
            lambda t: t.replace("assert =", 'each = { kind = ["@kind"] }\nassert ='),
            "规则T1-TOTAL：each第1列：没有用到 each 的变量kind",
        ),
        (
            "rules.toml",
            lambda t: t.replace("sum(cases[kinds])", "cases[kind]").replace(
                "assert =", 'each = { kind = ["@sort"] }\nassert ='
            ),
            "规则T1-TOTAL：each第1列：没有集合@sort",
        ),
        (
            "rules.toml",
            lambda t: t.replace("{left}", "{links}"),
            "规则T1-TOTAL：message第9列：message 里没有“{links}”",
        ),
        ("rules.toml", lambda t: t.replace('"offline"]', '"offline", "online"]'), "集合kinds中“online”重复"),
        (
            "rules.toml",
            lambda t: t.replace("assert =", "tolerance = -1\nassert ="),
            "rule.0.tolerance：是-1，应大于0",
        ),
        (
            "rules.toml",
            lambda t: t.replace("check =", "tolerance = 1\ncheck ="),
            "rule.1：tolerance只能与assert一起用",
        ),
        ("rules.toml", lambda t: t.replace("S2-EMPTY", "T1-TOTAL"), "规则编号T1-TOTAL重复"),
        ("rules.toml", lambda t: t.replace("[sets]", '[sets]\nspare = ["online"]'), "集合spare没有规则用到"),
        ("rules.toml", lambda t: t.replace('check = "filled"', 'check = "full"'), "没有检查方法“full”"),
        ("rules.toml", lambda t: t.replace('["problems"]', '["problem"]'), "没有这个栏目：problem"),
        ("rules.toml", lambda t: t.replace('"error"', '"fatal"', 1), "rule.0.severity：是fatal"),
        ("rules.toml", lambda t: t.replace('"T1-TOTAL"', "T1"), "rules.toml写法有误"),
        ("pack.toml", lambda t: t.replace("cases.total", "cases.sum"), "pack.toml用了没有的栏目：cases.sum"),
        ("pack.toml", lambda t: t.replace('"report.docx"', '"other.docx"'), "缺少文件.*other.docx"),
        ("pack.toml", lambda t: t + '\nfoo = "bar"', "没有这个项目"),
        ("pack.toml", lambda t: f"x = [\n{t}", r"pack.toml写法有误（第2行第\d+列），请核对引号"),
        ("pack.toml", lambda t: f"{t}\nx = [", "pack.toml写法有误（到文件末尾还没有写完）"),
        ("schema.json", lambda t: t.replace('"minimum": 0', '"multipleOf": 0.1'), "multipleOf"),
        ("schema.json", lambda t: t.replace('"minLength": 1', r'"pattern": "\\d"'), "pattern"),
        ("schema.json", lambda t: t[:-5], "schema.json写法有误：第"),
    ],
)
def test_a_mistake_in_a_pack_is_named_with_its_file_and_place(
    small: Path, file: str, change: Edit, message: str
) -> None:
    edit(small / file, change)
    with pytest.raises(PackError, match=message):
        load_pack(small)


def template(
    *paragraphs: str,
    cells: tuple[str, ...] = ("{{ cases.online }}", "{{ cases.offline }}", "{{ cases.total }}"),
) -> bytes:
    document = Document()
    for text in ("{{ agency }}", *paragraphs):
        document.add_paragraph(text)
    table = document.add_table(rows=len(cells), cols=1)
    for row, text in zip(table.rows, cells, strict=True):
        row.cells[0].text = text
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("docx", "message"),
    [
        (template("｛｛ agency ｝｝"), "全角括号"),
        (template("{{ agency }"), "不成对"),
        (template("{{ agenzy }}"), "没有的栏目：agenzy"),
        (template("{{ agency.upper() }}"), "不允许的写法（调用）"),
        (template("{% set x = 1 %}"), "不允许的写法"),
        (template("{%p for p in range(9) %}", "{{ p }}", "{%p endfor %}"), "不允许的写法（调用）"),
        (template(cells=("{{ cases.online }}",)), "没有放置栏目：表一·窗口办件"),
        (b"not a zip", "不是可用的Word文档"),
        (template("{%p for p in problems|paragraphs %}", "{{ p }}"), "循环或条件没有结尾"),
        (template("{{ agency|upper }}"), "不能用.upper，只能用.paragraphs"),
    ],
)
def test_a_template_that_must_not_run_is_refused_with_the_reason(
    small: Path, docx: bytes, message: str
) -> None:
    fields = load_pack(small).fields
    with pytest.raises(TemplateError, match=message):
        load_template(docx, "自己的.docx", fields)


def test_a_text_without_a_place_is_a_hint_not_a_refusal(small: Path) -> None:
    problems = lint_template(template(), "自己的.docx", load_pack(small).fields)
    assert [(p.severity, p.message) for p in problems] == [
        ("warning", "模板自己的.docx没有放置栏目：二、存在的问题（problems）")
    ]


def test_a_table_that_is_not_placed_is_one_sentence(pack: Pack) -> None:
    stream = io.BytesIO()
    document = Document()
    document.add_paragraph("{{ agency }}{{ requests.new.total }}")
    document.save(stream)
    problems = lint_template(stream.getvalue(), "自己的.docx", pack.fields)
    errors = [problem.message for problem in problems if problem.severity == "error"]
    assert len(errors) == 3
    assert errors[0] == "模板自己的.docx没有放置表二的全部10个栏目"
    assert errors[1].endswith("等174个栏目")
    assert len(problems) < 12


def test_a_finished_report_is_no_template_and_one_sentence_says_so(pack: Pack) -> None:
    document = render(report_from_data({"agency": "甲局", "year": 2024}, pack), pack)
    (problem,) = lint_template(document, "成文.docx", pack.fields)
    assert problem.message.startswith("模板成文.docx里没有一个栏目")


def test_a_name_of_a_dict_method_prints_the_field(tmp_path: Path) -> None:
    folder = tmp_path / "items"
    new_pack(folder)
    for file in ("schema.json", "rules.toml", "pack.toml"):
        edit(folder / file, lambda t: t.replace("online", "items"))
    (folder / "report.docx").write_bytes(
        template(cells=("{{ cases.items }}", "{{ cases.offline }}", "{{ cases.total }}"))
    )
    pack = load_pack(folder)
    data = {"agency": "某局", "year": 2024, "cases": {"items": 1, "offline": 2, "total": 3}, "problems": "少"}
    table = Document(io.BytesIO(render(report_from_data(data, pack), pack))).tables[0]
    assert table.cell(0, 0).text == "1"


def test_the_page_of_fields_is_what_the_schema_says(pack: Pack) -> None:
    import runpy

    page: Any = runpy.run_path(str(ROOT / "docs" / "make_fields.py"))
    assert (ROOT / "docs" / "fields.md").read_text(encoding="utf-8") == page["fields_page"](pack)


def test_both_validators_judge_the_same(pack: Pack, examples: list[dict[str, Any]]) -> None:
    import jsonschema

    from nianbao.fields import place_value

    explained = jsonschema.Draft202012Validator(dict(pack.schema))
    changes: list[tuple[str, Any]] = [
        ("year", 2023), ("year", "2023"), ("year", 1), ("agency", ""), ("agency", None),
        ("requests.new.total", -1), ("requests.new.total", 10**13), ("requests.new.total", True),
        ("requests.new.total", "3"), ("disclosure.administrative_fees.amount", "1.5"),
        ("disclosure.administrative_fees.amount", "01"), ("disclosure.administrative_fees.amount", 2),
        ("profile.category", "department"), ("profile.category", "ministry"), ("extra", 1),
        ("overview.additional", [{"heading": "a", "text": "b"}] * 21), ("title", "a\nb"),
    ]  # fmt: skip
    for path, value in changes:
        data = json.loads(json.dumps(examples[0]))
        place_value(data, path, value)
        assert pack.validator.is_valid(data) == explained.is_valid(data), (path, value)


def test_a_copy_of_the_schemas_folder_elsewhere_is_a_root_of_packs(tmp_path: Path) -> None:
    for part in ("schemas", "templates"):
        shutil.copytree(
            ROOT / part / "cn-ogi", tmp_path / part / "cn-ogi", ignore=shutil.ignore_patterns("*.py")
        )
    assert load_pack("cn-ogi/2021", [tmp_path]).id == "cn-ogi/2021"
