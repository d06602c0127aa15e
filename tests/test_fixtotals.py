"""Totals recomputed: the parts are never changed, and where they contradict each other, nothing is."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from commands import run
from conftest import consistent_report
from nianbao.errors import OutputError
from nianbao.fields import lookup, place_value, read_fields
from nianbao.findings import Waiver
from nianbao.outputs.annotation.cellscan import scan_cells
from nianbao.outputs.annotation.fixtotals import Fix, fix_totals
from nianbao.outputs.annotation.sumformula import adds_up
from nianbao.outputs.forms import write_form
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import check, read, report_from_data
from nianbao.report import Report
from nianbao.rules.compiling import compile_rules
from nianbao.rules.instances import outcome, totals
from nianbao.rules.recompute import recompute_totals

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACK = load_pack("cn-ogi/2021")
SUMS = totals(PACK.rules.instances)


def rules(*assertions: str) -> Any:
    """Return the instances of rules over the counts a to z."""
    names = "abcdefghijklmnopqrstuvwxyz"
    fields = read_fields(
        {
            "type": "object",
            "properties": {n: {"type": "integer", "title": n, "x-kind": "count"} for n in names},
        }
    )
    source = []
    for number, text in enumerate(assertions):
        assertion, _, when = text.partition(" when ")
        rule = {"id": f"R{number}", "title": "规则", "severity": "error", "assert": assertion}
        source.append(rule | ({"when": when} if when else {}))
    return compile_rules({"rule": source}, fields, (), "rules.toml").instances


def recomputed(*assertions: str, **values: int | None) -> dict[str, tuple[Any, Any, str]]:
    found = recompute_totals(rules(*assertions), Report(values))
    return {f.field: (f.old, f.new, f.against.rule.id if f.against else "") for f in found}


# ---- which totals are changed ----


@pytest.mark.parametrize(
    ("assertions", "values", "wanted"),
    [
        (["a + b == t"], {"a": 1, "b": 2, "t": 3}, {}),
        (["a + b == t"], {"a": 1, "b": 2, "t": 9}, {"t": (9, 3, "")}),
        # A blank part: nobody knows what the total is.
        (["a + b == t"], {"a": None, "b": 2, "t": 9}, {}),
        # Of totals of totals the lower ones come first.
        (
            ["t + u == s", "a + b == t", "c + d == u"],
            {"a": 1, "b": 2, "t": 0, "c": 3, "d": 4, "u": 7, "s": 0},
            {"t": (0, 3, ""), "s": (0, 10, "")},
        ),
        # Two sums that contradict each other.
        (["a + b == t", "c + d == t"], {"a": 1, "b": 2, "c": 2, "d": 2, "t": 0}, {"t": (0, 3, "R1")}),
        (["a + b == t", "c + d == t"], {"a": 1, "b": 2, "c": 2, "d": 1, "t": 0}, {"t": (0, 3, "")}),
        # A balance that the new total would break, or already breaks.
        (
            ["a + b == t", "t + c == d + e"],
            {"a": 1, "b": 2, "t": 4, "c": 1, "d": 5, "e": 0},
            {"t": (4, 3, "R1")},
        ),
        (
            ["a + b == t", "t + c == d + e"],
            {"a": 1, "b": 2, "t": 5, "c": 1, "d": 4, "e": 0},
            {"t": (5, 3, "")},
        ),
        (["a + b == t", "t <= c"], {"a": 1, "b": 2, "t": 1, "c": 2}, {"t": (1, 3, "R1")}),
        # Conditions, and sums with minus, do not say what a total is.
        (["a + b == t when c == 0"], {"a": 1, "b": 2, "c": 0, "t": 9}, {}),
        (["a - b == t"], {"a": 3, "b": 2, "t": 9}, {}),
        (["a + b == t", "t == 9 when c > 0"], {"a": 1, "b": 2, "c": 1, "t": 9}, {"t": (9, 3, "R1")}),
        # A total of itself stays as it is.
        (["a + b == t", "t + c == a"], {"a": 1, "b": 2, "c": 5, "t": 9}, {"t": (9, 16, "R1")}),
    ],
)
def test_a_total_is_changed_where_its_parts_agree(
    assertions: list[str], values: dict[str, int | None], wanted: dict[str, tuple[Any, Any, str]]
) -> None:
    found = recomputed(*assertions, **values)
    assert {path: found.get(path) for path in wanted} == wanted
    if not any(against for _, _, against in wanted.values()):
        assert found == wanted


def test_what_contradicts_itself_does_not_keep_other_totals_from_being_mended() -> None:
    data = consistent_report(PACK, 4)
    right = copy.deepcopy(data)
    place_value(data, "requests.new.total", 0)
    part = "requests.results.granted.natural_person"
    place_value(data, part, lookup(data, part) + 10)
    found = {f.field: f for f in recompute_totals(PACK.rules.instances, report_from_data(data, PACK))}
    done = {path for path, each in found.items() if each.against is None}
    assert done == {"requests.new.total"}
    assert found["requests.new.total"].new == lookup(right, "requests.new.total")
    # The balance of the column says that the sums of the wrong part must not be followed.
    assert set(found) - done == {
        "requests.results.granted.total",
        "requests.results.total.natural_person",
    }


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_wrong_totals_alone_are_all_mended(seed: int, data: st.DataObject) -> None:
    right = consistent_report(PACK, seed)
    wrong = copy.deepcopy(right)
    for path in data.draw(st.lists(st.sampled_from(sorted(SUMS)), min_size=1, max_size=9)):
        place_value(wrong, path, data.draw(st.integers(0, 999)))
    for each in recompute_totals(PACK.rules.instances, report_from_data(wrong, PACK)):
        assert each.against is None
        place_value(wrong, each.field, each.new)
    assert wrong == right


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_nothing_but_totals_changes_and_no_rule_that_held_breaks(seed: int, data: st.DataObject) -> None:
    wrong = consistent_report(PACK, seed)
    counts = [field.path for field in PACK.fields.numbers if field.kind == "count"]
    for path in data.draw(st.lists(st.sampled_from(counts), max_size=6)):
        place_value(wrong, path, data.draw(st.one_of(st.none(), st.integers(0, 99))))
    before = report_from_data(wrong, PACK)
    found = recompute_totals(PACK.rules.instances, before)
    assert {each.field for each in found} <= set(SUMS)
    changes = {each.field: each.new for each in found if each.against is None}
    after = Report(before.data, known={**before.values, **changes})
    for one in PACK.rules.instances:
        if outcome(one, after) == "fail":
            assert outcome(one, before) == "fail"
            assert not changes.keys() & set(one.comparison.fields)


# ---- formulas ----


@pytest.mark.parametrize(
    ("formula", "right"),
    [
        ("SUM(B3:D3)", True),
        ("sum( $B$3:$D$3 )", True),
        ("B3+C3+D3", True),
        ("SUM(B3:C3)+D3", True),
        ("SUM(B3:C3,D3)", True),
        ("SUM('表 三'!B3:D3)", True),
        ('IF(COUNTBLANK(B3:D3)>0,"",SUM(B3:D3))', True),
        ('IF(AND(COUNTBLANK(B3:D3)>0,基本信息!$B$9<>"是"),"",SUM(B3:D3))', True),
        ("SUM(B3:C3)", False),
        ("SUM(B3:D3,D3)", False),
        ("SUM(B3:E3)", False),
        ("SUM(别的表!B3:D3)", False),
        ("B3+C3-D3", False),
        ("SUM(B3:D3)+1", False),
        ("SUM(B3:D3)*1", False),
        ("-SUM(B3:D3)", False),
        ("ROUND(SUM(B3:D3),-1)", False),
        ("SUM(名称)", False),
        ("SUM(A1:XFD1048576)", False),
        ("3", False),
        ("", False),
    ],
)
def test_a_formula_is_right_where_it_adds_up_exactly_the_parts(formula: str, right: bool) -> None:
    assert adds_up(formula, [(3, 2), (3, 3), (3, 4)], "表 三") is right


# ---- workbooks ----


def spots(report: Report) -> dict[str, tuple[str, str]]:
    """Return sheet and address of each figure."""
    wheres = {field.path: report.origins.get(field.path) for field in PACK.fields.numbers}
    return {path: (str(w.sheet), str(w.cell)) for path, w in wheres.items() if w}


@pytest.fixture
def form(tmp_path: Path) -> Callable[..., Path]:
    """A maker of filled forms whose formulas have gone: all figures are plain numbers."""

    def make(seed: int, changes: Mapping[str, object], name: str = "表.xlsx") -> Path:
        data = consistent_report(PACK, seed)
        write_form(PACK, tmp_path / "empty.xlsx", {"agency": data["agency"], "year": data["year"]})
        (blank,) = read(tmp_path / "empty.xlsx", PACK)
        workbook = load_workbook(tmp_path / "empty.xlsx")
        for path, (sheet, address) in spots(blank).items():
            value = changes.get(path, lookup(data, path))
            workbook[sheet][address] = float(value) if isinstance(value, str) and "." in value else value
        for field in PACK.fields.required_words:
            where = blank.origins.get(field.path)
            if where and where.sheet:
                workbook[where.sheet][str(where.cell)] = lookup(data, field.path)
        for path in ("overview.preamble", "problems", "other_matters"):
            where = blank.origins[path]
            workbook[str(where.sheet)][str(where.cell)] = lookup(data, path) or "公开有不足，信息处理费0元"
        workbook.save(tmp_path / name)
        return tmp_path / name

    return make


def fixed(source: Path) -> tuple[list[Fix], Path]:
    target = source.with_name(f"改{source.name}")
    return fix_totals(source, target, [check(report, PACK) for report in read(source, PACK)], PACK), target


def value(path: Path, sheet: str, address: str, stored: bool = True) -> Any:
    return load_workbook(path, data_only=stored)[sheet][address].value


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def errors(path: Path) -> list[str]:
    (report,) = read(path, PACK)
    return [f.rule for f in check(report, PACK).findings if f.severity == "error"]


def test_a_wrong_total_is_mended_and_nothing_else_changes(form: Callable[..., Path]) -> None:
    source = form(1, {"requests.new.total": 7})
    (before,) = read(source, PACK)
    (fix,), target = fixed(source)
    (after,) = read(target, PACK)
    wanted = sum(int(str(before.value(path))) for path in SUMS["requests.new.total"])
    assert (fix.total.field, fix.total.old, fix.total.new, fix.done) == (
        "requests.new.total",
        7,
        wanted,
        True,
    )
    assert after.values == {**before.values, "requests.new.total": wanted}
    assert errors(source) == ["T3-ROW", "T3-BALANCE"]
    assert errors(target) == []
    sheet, address = spots(before)["requests.new.total"]
    cell = load_workbook(target)[sheet][address]
    assert cell.comment is not None
    assert cell.comment.text == f"【已改】原为7，按分项合计为{wanted}"
    assert cell.fill.fgColor.rgb == "FF92D050"
    # Every other part is as it was, byte for byte, and so is every other cell of the sheet.
    old, new = parts(source), parts(target)
    touched = {name for name in old if old[name] != new.get(name)}
    (part,) = [name for name in touched if name.startswith("xl/worksheets/sheet")]
    plain = {"[Content_Types].xml", "xl/workbook.xml", "xl/styles.xml"}
    assert touched - {part} <= plain | {f"xl/worksheets/_rels/{part.rpartition('/')[2]}.rels"}
    element = rf'<c r="{address}"[^>]*?(/>|>.*?</c>)'
    strip = [re.sub(element, "", p[part].decode(), count=1, flags=re.DOTALL) for p in (old, new)]
    assert re.sub(r"<legacyDrawing [^>]*/>", "", strip[1]) == strip[0]


def test_a_part_that_contradicts_the_rest_leaves_the_totals_alone(form: Callable[..., Path]) -> None:
    source = form(2, {"requests.new.business": 9999})
    (fix,), target = fixed(source)
    assert not fix.done
    assert "分项之间不一致" in fix.reason
    assert [r.values for r in read(target, PACK)] == [r.values for r in read(source, PACK)]
    assert parts(target) == parts(source)


def test_a_blank_total_is_filled_in(form: Callable[..., Path]) -> None:
    source = form(3, {"disputes.reconsideration.total": None})
    (fix,), target = fixed(source)
    assert (fix.total.old, fix.done) == (None, True)
    (report,) = read(target, PACK)
    assert value(target, *spots(report)["disputes.reconsideration.total"]) == fix.total.new
    assert not [f for f in report.findings if f.rule == "DERIVED"]


def test_a_total_that_is_explained_stays(form: Callable[..., Path]) -> None:
    total = "disputes.reconsideration.total"
    source = form(3, {total: 999})
    (report,) = read(source, PACK)
    waiver = Waiver(report.agency, "T4-ROW", total, "999", "含上年结转数量", "张三")
    result = check(report, PACK, waivers=[waiver])
    assert any(f.waiver for f in result.findings)
    target = source.with_name("改.xlsx")
    (fix,) = fix_totals(source, target, [result], PACK)
    assert fix.reason == "这一格已有说明"
    assert parts(target) == parts(source)


def formula_book(
    form: Callable[..., Path], formula: str, stored: int | None, more: str = ""
) -> tuple[Path, str]:
    """Return a form whose total of new cases is a formula with a stored result, and the total's address."""
    source = form(5, {"requests.new.total": 1})
    (report,) = read(source, PACK)
    address = spots(report)["requests.new.total"][1]
    first, last = (spots(report)[SUMS["requests.new.total"][n]][1] for n in (0, -1))
    text = formula.format(first=first, last=last)
    written = f"<f{more}>{text}</f>" + ("" if stored is None else f"<v>{stored}</v>")
    target = source.with_name("公式.xlsx")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name.startswith("xl/worksheets/sheet"):
                found = rb'(<c r="%s"[^>]*?)(?: t="n")?><v>1</v></c>' % address.encode()
                data = re.sub(found, rb"\1>" + written.encode() + b"</c>", data)
            if name == "xl/_rels/workbook.xml.rels":
                data = data.replace(
                    b"</Relationships>",
                    b'<Relationship Id="rIdChain" Target="calcChain.xml" Type="http://schemas.openxmlformats.'
                    b'org/officeDocument/2006/relationships/calcChain"/></Relationships>',
                )
            if name == "[Content_Types].xml":
                data = data.replace(
                    b"</Types>",
                    b'<Override PartName="/xl/calcChain.xml" ContentType="application/vnd.openxmlformats-'
                    b'officedocument.spreadsheetml.calcChain+xml"/></Types>',
                )
            new.writestr(name, data)
        chain = (
            f'<calcChain xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><c r="{address}"/>'
        )
        new.writestr("xl/calcChain.xml", f"{chain}</calcChain>")
    return target, address


def test_a_right_formula_stays_and_gets_its_result(form: Callable[..., Path]) -> None:
    source, address = formula_book(form, "SUM({first}:{last})", 4)
    (fix,), target = fixed(source)
    assert fix.done
    formula = str(value(target, "表三", address, stored=False))
    assert formula == value(source, "表三", address, stored=False)
    assert value(target, "表三", address) == fix.total.new
    assert "calcChain" in " ".join(parts(target))
    assert b'fullCalcOnLoad="1"' in parts(target)["xl/workbook.xml"]


def test_a_wrong_formula_gives_way_to_the_number(form: Callable[..., Path]) -> None:
    source, address = formula_book(form, "SUM({first}:{first})", 4)
    (fix,), target = fixed(source)
    assert fix.done
    assert value(target, "表三", address, stored=False) == fix.total.new
    # A list of formulas that names a cell without one makes Excel offer a repair.
    assert "calcChain" not in " ".join(parts(target))
    assert b"calcChain" not in parts(target)["[Content_Types].xml"]
    assert b"calcChain" not in parts(target)["xl/_rels/workbook.xml.rels"]
    comment = load_workbook(target)["表三"][address].comment
    assert comment is not None
    assert "原公式没有正好加总全部分项" in comment.text


def test_a_formula_without_a_result_is_right_or_left_alone(form: Callable[..., Path]) -> None:
    source, address = formula_book(form, "SUM({first}:{last})", None)
    (fix,), target = fixed(source)
    assert fix.done
    assert value(target, "表三", address) == fix.total.new
    source, address = formula_book(form, "SUM({first}:{first})", None)
    (fix,), target = fixed(source)
    assert "还没有结果" in fix.reason
    assert parts(target) == parts(source)


def test_a_formula_that_other_cells_share_is_left_alone(form: Callable[..., Path]) -> None:
    source, _ = formula_book(form, "SUM({first}:{first})", 4, ' t="shared" ref="J6:J7" si="0"')
    (fix,), target = fixed(source)
    assert "同时管着别的格" in fix.reason
    assert parts(target) == parts(source)


def test_a_formula_that_was_filled_down_is_read_where_it_stands() -> None:
    rows = (
        '<row r="2"><c r="A2"/><c r="H2" t="str"><f t="shared" ref="H2:H4" si="0">SUM(B2:G2)</f>',
        "<v>a</v></c></row>",
        '<row r="3"><c r="H3"><f t="shared" si="0"/><v>4</v></c><c><f>H3+1</f></c>',
        '<c r="K3" t="s"><v>0</v></c></row><row><c r="H4"><f t="shared" si="0"/></c></row>',
    )
    source = f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'
    found = scan_cells(source.encode(), [(3, 8), (3, 9), (3, 11), (4, 8), (9, 9)])
    assert {spot: cell.formula for spot, cell in found.items()} == {
        (3, 8): "SUM(B3:G3)",
        (3, 9): "H3+1",
        (3, 11): None,
        (4, 8): "SUM(B4:G4)",
    }
    assert [found[spot].is_text for spot in ((3, 8), (3, 11), (4, 8))] == [False, True, False]
    (leader,) = scan_cells(source.encode(), [(2, 8)]).values()
    assert (leader.formula, leader.leads, found[3, 8].leads) == ("SUM(B2:G2)", True, False)


def test_parts_that_are_text_are_told_instead_of_spoiling_a_right_formula(form: Callable[..., Path]) -> None:
    source, address = formula_book(form, "SUM({first}:{last})", 4)
    workbook = load_workbook(source)
    (report,) = read(source, PACK)
    path = SUMS["requests.new.total"][0]
    sheet, part = spots(report)[path]
    workbook[sheet][part] = f"{report.value(path)}件"
    workbook.save(source)
    # openpyxl drops the stored result; with it the file is what Excel would have saved.
    with zipfile.ZipFile(source) as old:
        data = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(source, "w") as new:
        for name, content in data.items():
            content = re.sub(
                rb"(<c r=\"%s\"[^>]*><f>[^<]*</f>)<v ?/>" % address.encode(), rb"\1<v>4</v>", content
            )
            new.writestr(name, content)
    (fix,), _ = fixed(source)
    assert "是文本，表格软件不计入合计" in fix.reason


def test_totals_of_a_register_are_mended_in_their_rows(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    paths = ["agency", "year", *(field.path for field in PACK.fields.numbers if field.required)]
    sheet.append(paths)
    for seed in (1, 2, 3):
        data = consistent_report(PACK, seed, agency=f"第{seed}局")
        if seed == 2:
            data["requests"]["new"]["total"] += 5
        sheet.append([float(v) if isinstance(v := lookup(data, p), str) and "." in v else v for p in paths])
    workbook.save(tmp_path / "登记表.xlsx")
    (fix,), target = fixed(tmp_path / "登记表.xlsx")
    assert (fix.report.agency, fix.where.cell[-1:] if fix.where.cell else "") == ("第2局", "3")
    wrong = [
        [f.rule for f in check(report, PACK).findings if f.rule.startswith("T3")]
        for report in read(target, PACK)
    ]
    assert wrong == [[], [], []]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.docx", None, "是成品报告，程序不改成品"),
        ("a.txt", "一、总体情况\n".encode() * 9, "是成品报告，程序不改成品"),
        ("a.html", b"<html><body><p>a</p></body></html>", "是成品报告，程序不改成品"),
        ("a.json", b'[{"agency": "a"}]', "请先用 nianbao read 转成.xlsx工作簿"),
        ("a.csv", "单位名称,年度\n某局,2024\n".encode(), "另存为.xlsx后再试"),
    ],
)
def test_what_is_no_workbook_is_refused_in_one_sentence(
    tmp_path: Path, pack: Pack, name: str, content: bytes | None, message: str
) -> None:
    source = tmp_path / name
    source.write_bytes(content or bytes(pack.sources[pack.meta["template"][0]["file"]]))
    with pytest.raises(OutputError, match=message):
        fix_totals(source, tmp_path / "b.xlsx", [], pack)
    assert not (tmp_path / "b.xlsx").exists()


def test_the_input_is_never_overwritten(form: Callable[..., Path]) -> None:
    source = form(1, {})
    with pytest.raises(OutputError, match="不能覆盖原文件"):
        fix_totals(source, source, [], PACK)


def test_the_command_lists_each_change_and_leaves_the_input_alone(form: Callable[..., Path]) -> None:
    source = form(1, {"requests.new.total": 7})
    before = source.read_bytes()
    target = source.with_name("改好.xlsx")
    done = run("check", source, "--fix-totals", target)
    assert done.returncode == 1
    assert re.search(r"^已改 .*表三·一、本年新收·总计 表三!\w+：7 → \d+$", done.stdout, re.MULTILINE)
    assert "改了1处合计；分项一律未动" in done.stderr
    assert source.read_bytes() == before
    assert run("check", target).returncode == 0
    document = json.loads(run("check", source, "--fix-totals", target, "--format", "json").stdout)
    assert document["summary"]["failed"] == 1
    data = source.with_name("a.json")
    data.write_text(json.dumps([consistent_report(PACK, 1)], ensure_ascii=False), encoding="utf-8")
    refused = run("check", data, "--fix-totals", target)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "请先用 nianbao read 转成.xlsx工作簿" in refused.stderr
    several = run("check", source, data, "--fix-totals", target)
    assert (several.returncode, several.stdout) == (2, "")
    assert "--fix-totals 一次处理一个工作簿，这里给出了2个" in several.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_calculates_the_mended_workbook_to_the_same_totals(
    form: Callable[..., Path], tmp_path: Path
) -> None:
    source, address = formula_book(form, "SUM({first}:{last})", 4)
    (fix,), target = fixed(source)
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", tmp_path / "lo", target]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    assert value(tmp_path / "lo" / target.name, "表三", address) == fix.total.new
