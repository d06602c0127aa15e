"""The command line as a new user meets it: results, exit statuses, one clear sentence for every mistake."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from rich.cells import cell_len

from commands import run
from conftest import EXAMPLES, consistent_report
from nianbao.cli import main
from nianbao.pack import Pack

NAMES = "政府信息公开工作年度报告"


def process(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    command = [sys.executable, "-c", "from nianbao.cli import main; main()", *map(str, arguments)]
    environment = {**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)


@pytest.fixture
def reports(pack: Pack, tmp_path: Path) -> Path:
    data = [consistent_report(pack, seed, agency=f"第{seed}局") for seed in (1, 2)]
    data[1]["requests"]["results"]["granted"]["total"] += 3
    path = tmp_path / "in.json"
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return path


def test_check_shows_where_what_and_how_much(reports: Path) -> None:
    done = process("check", reports)
    assert done.returncode == 1
    assert "第2局" in done.stdout
    assert "表三·（一）予以公开" in done.stdout
    assert "requests." not in done.stdout
    assert done.stderr == ""


def test_check_prints_the_fixed_json(reports: Path) -> None:
    done = run("check", reports, "--format", "json")
    document: Any = json.loads(done.stdout)
    assert list(document) == ["pack", "reports", "unreadable", "summary"]
    assert document["summary"] == {"reports": 2, "passed": 1, "failed": 1, "errors": 2, "warnings": 0}
    first = document["reports"][1]["findings"][0]
    assert (first["rule"], first["field"], first["where"]["pointer"]) == (
        "T3-ROW",
        "requests.results.granted.total",
        "/1/requests/results/granted/total",
    )


def test_check_writes_text_json_and_a_workbook_to_files(reports: Path, tmp_path: Path) -> None:
    for name, words in (("a.txt", "第2局"), ("a.json", '"T3-ROW"')):
        extra = ("--format", "json") if name.endswith("json") else ()
        assert run("check", reports, "-o", tmp_path / name, *extra).returncode == 1
        assert words in (tmp_path / name).read_text(encoding="utf-8")
    assert run("check", reports, "-o", tmp_path / "a.xlsx").returncode == 1
    assert "问题清单" in load_workbook(tmp_path / "a.xlsx").sheetnames


def test_check_annotates_a_copy_of_the_workbook(reports: Path, tmp_path: Path) -> None:
    register = tmp_path / "register.xlsx"
    run("read", reports, "-o", register)
    before = register.read_bytes()
    done = run("check", register, "--annotate", tmp_path / "marked.xlsx")
    assert done.returncode == 1
    assert register.read_bytes() == before
    sheet = load_workbook(tmp_path / "marked.xlsx").worksheets[0]
    comments = [c.comment.text for row in sheet.iter_rows() for c in row if c.comment]
    assert any("（一）予以公开" in text for text in comments)


def test_build_reports_what_it_did_and_leaves_with_one_for_a_failing_report(
    reports: Path, tmp_path: Path
) -> None:
    done = process("build", reports, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "共2份：通过1，有提示0，未通过1" in done.stdout
    assert (tmp_path / "out" / f"第1局2023年{NAMES}.docx").exists()
    assert (tmp_path / "out" / "检查结果.xlsx").exists()


def test_build_takes_a_template_of_the_pack_by_name_and_an_offices_own_by_file(
    reports: Path, tmp_path: Path, pack: Pack
) -> None:
    own = tmp_path / "own.docx"
    own.write_bytes(pack.sources["official.docx"])
    made = []
    for template in ("official", own):
        out = tmp_path / f"out{len(made)}"
        run("build", reports, "-o", out, "--template", template)
        made.append((out / f"第1局2023年{NAMES}.docx").read_bytes())
    run("build", reports, "-o", tmp_path / "default")
    default = (tmp_path / "default" / f"第1局2023年{NAMES}.docx").read_bytes()
    assert made[0] == made[1] != default


@pytest.mark.parametrize(
    "target", ["a.json", "a.jsonl", "a.csv", "a.xlsx", "long.xlsx", "forms"], ids=lambda value: value
)
def test_read_converts_to_every_form_and_back_without_loss(tmp_path: Path, target: str) -> None:
    source = EXAMPLES / "reports.json"
    layout = ("--layout", "long") if target.startswith("long") else ()
    assert run("read", source, "-o", tmp_path / target, *layout).returncode == 0
    assert run("read", tmp_path / target, "-o", tmp_path / "back.json").returncode == 0
    expected = json.loads(source.read_text(encoding="utf-8"))
    found = json.loads((tmp_path / "back.json").read_text(encoding="utf-8"))
    assert sorted(found, key=json.dumps) == sorted(expected, key=json.dumps)


def workbook(path: Path, rows: list[list[Any]], password: bool = False) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(path)
    return path


def wrong_inputs(folder: Path) -> dict[str, Path]:
    (folder / "fake.xlsx").write_text("这不是工作簿", encoding="utf-8")
    (folder / "empty.xlsx").write_bytes(b"")
    (folder / "cut.xlsx").write_bytes(workbook(folder / "x.xlsx", [["a"]]).read_bytes()[:400])
    return {
        "missing": folder / "没有.xlsx",
        "fake": folder / "fake.xlsx",
        "no bytes": folder / "empty.xlsx",
        "cut": folder / "cut.xlsx",
        "empty sheet": workbook(folder / "blank.xlsx", []),
        "header only": workbook(folder / "header.xlsx", [["单位名称", "年度", "表三·一、本年新收·自然人"]]),
        "other form": workbook(
            folder / "2019.xlsx", [["信息内容", "本年新制作数量"], ["规章", 0], ["规范性文件", 1]]
        ),
    }


@pytest.mark.parametrize(
    "case", ["missing", "fake", "no bytes", "cut", "empty sheet", "header only", "other form"]
)
@pytest.mark.parametrize("command", ["check", "build", "read"])
def test_an_input_that_cannot_be_read_is_one_chinese_sentence_and_exit_two(
    tmp_path: Path, command: str, case: str
) -> None:
    target = {"check": (), "build": ("-o", tmp_path / "out"), "read": ("-o", tmp_path / "o.json")}[command]
    done = run(command, wrong_inputs(tmp_path)[case], *target)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("错误：")
    assert "Traceback" not in done.stderr


def test_a_wrong_pack_name_is_exit_two_and_says_which_there_are(reports: Path) -> None:
    done = process("check", reports, "--pack", "cn-ogi/2035")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cn-ogi/2021" in done.stderr


def test_an_output_folder_that_cannot_be_written_is_exit_two(reports: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = run("build", reports, "-o", tmp_path / "file" / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "无法写入" in done.stderr


def test_a_template_that_is_not_allowed_is_refused_before_anything_is_written(
    reports: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.docx"
    bad.write_text("x")
    done = run("build", reports, "-o", tmp_path / "out", "--template", bad)
    assert done.returncode == 2
    assert not (tmp_path / "out").exists()


def test_one_bad_file_among_good_ones_is_exit_one(reports: Path, tmp_path: Path) -> None:
    done = run("check", reports, tmp_path / "没有.xlsx", "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert [u["message"] for u in document["unreadable"]] == [
        f"找不到文件{tmp_path / '没有.xlsx'}，请检查路径"
    ]


def test_forms_go_out_to_the_agencies_of_a_roster_and_come_back_filled(tmp_path: Path) -> None:
    (tmp_path / "名录.txt").write_text("甲局\n乙局\n", encoding="utf-8")
    assert (
        run("form", "-o", tmp_path / "forms", "--agencies", tmp_path / "名录.txt", "--year", 2024).returncode
        == 0
    )
    assert sorted(p.name for p in (tmp_path / "forms").iterdir()) == [
        f"乙局2024年{NAMES}填报表.xlsx",
        f"甲局2024年{NAMES}填报表.xlsx",
    ]
    done = run("check", tmp_path / "forms", "--format", "json")
    document = json.loads(done.stdout)
    assert {(r["agency"], r["year"], r["status"]) for r in document["reports"]} == {
        ("甲局", 2024, "fail"),
        ("乙局", 2024, "fail"),
    }
    blank = [f["message"] for f in document["reports"][0]["findings"] if f["rule"] == "BLANK"]
    assert [m[:2] for m in blank] == ["表二", "表三", "表四"]


def test_a_roster_with_an_agency_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "名录.txt").write_text("甲局\n甲局\n", encoding="utf-8")
    done = run("form", "-o", tmp_path / "forms", "--agencies", tmp_path / "名录.txt")
    assert done.returncode == 2
    assert "甲局出现不止一次" in done.stderr


def test_last_years_figures_prefill_this_years_register(tmp_path: Path) -> None:
    register = tmp_path / "register.xlsx"
    assert run("form", "-o", register, "--from", EXAMPLES / "reports.json").returncode == 0
    sheet = load_workbook(register).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    paths = next(row for row in rows if "agency" in row)
    agency, carried = paths.index("agency"), paths.index("requests.carried_in.natural_person")
    year = paths.index("year")
    filled = {(row[agency], row[year]): row[carried] for row in rows[rows.index(paths) + 1 :]}
    assert filled["涧西区人民政府", 2024] == 3


def test_pack_list_and_lint_tell_what_there_is(tmp_path: Path) -> None:
    assert "cn-ogi/2021" in run("pack", "list").stdout
    assert run("pack", "lint", "cn-ogi/2021").returncode == 0
    assert run("pack", "new", tmp_path / "mine").returncode == 0
    assert run("pack", "lint", tmp_path / "mine").returncode == 0
    (tmp_path / "mine" / "rules.toml").write_text("[[rule]]\nid = 1\n", encoding="utf-8")
    assert run("pack", "lint", tmp_path / "mine").returncode == 2
    assert run("pack", "new", tmp_path / "mine").returncode == 2


def test_help_is_there_for_every_command() -> None:
    for command in ((), ("build",), ("check",), ("form",), ("read",), ("pack",), ("pack", "lint")):
        assert run(*command, "--help").returncode == 0


USAGE = [
    (("check",), "缺少 INPUT...（表格"),
    (("build", "a"), "缺少选项 --out / -o（输出文件夹）"),
    (("chek", "a"), "没有“chek”这个命令，是不是 check"),
    (("pack", "foo"), "没有“foo”这个命令"),
    (("check", "a", "--previos", "b"), "没有 --previos 这个选项，是不是 --previous"),
    (("check", "a", "--format"), "--format 后面没有写内容"),
    (("build", "a", "-o", "o", "--resume=1"), "--resume 后面不写内容"),
    (("build", "a", "-o", "o", "--jobs", "x"), "--jobs 的内容应为整数"),
    (("build", "a", "-o", "o", "--jobs", "-1"), "--jobs 的内容不能小于0"),
    (("diff", "a", "b", "c"), "多出了“c”"),
]


@pytest.mark.parametrize(("arguments", "words"), USAGE, ids=[words for _, words in USAGE])
def test_a_wrong_call_is_told_in_chinese_with_status_two(
    arguments: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["nianbao", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (2, "")
    assert said.err.startswith(f"错误：{words}")
    assert "--help" in said.err.splitlines()[1]


def test_help_names_every_option_and_cuts_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["nianbao", "build", "-h"])
    monkeypatch.setenv("COLUMNS", "60")
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr().out
    assert left.value.code == 0
    assert "-o, --out DIR" in said
    assert "情况说明表，如填好的检查结果.xlsx" in "".join(said.split())
    assert not re.search(r"Options|Usage|required|default|…$", said)
    assert all(cell_len(line) <= 60 for line in said.splitlines())


def test_help_does_not_load_rich() -> None:
    code = "import sys; from nianbao.cli import main; sys.argv = ['nianbao', '-h']\ntry: main()\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}finally: print('rich' in sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "False"


def called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str, str]:
    """Return status, output and errors of a call in this process."""
    monkeypatch.setattr(sys, "argv", ["nianbao", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_the_empty_lines_of_a_blank_register_are_no_reports(
    pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register = tmp_path / "r.xlsx"
    assert called(capsys, monkeypatch, "form", "-o", register)[0] == 0
    status, _, said = called(capsys, monkeypatch, "check", register)
    assert (status, said) == (2, "错误：r.xlsx：工作表“登记表”只有表头，没有数据行，请填写后再试\n")
    workbook = load_workbook(register)
    workbook.worksheets[0]["B7"] = "甲局"
    workbook.save(register)
    status, shown, _ = called(capsys, monkeypatch, "check", register, "--format", "json")
    assert [r["source"]["row"] for r in json.loads(shown)["reports"]] == [7]
    assert status == 1


def test_a_blank_form_carries_the_year_that_was_asked_for(
    pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert called(capsys, monkeypatch, "form", "-o", tmp_path / "a", "--year", 2024)[0] == 0
    assert called(capsys, monkeypatch, "form", "-o", tmp_path / "b")[0] == 0
    (form,) = (tmp_path / "a").iterdir()
    assert form.name == f"2024年{NAMES}空白填报表.xlsx"
    assert [row[1].value for row in load_workbook(form)["基本信息"] if row[0].value == "年度"] == [2024]
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["空白填报表.xlsx"]
    status, _, said = called(capsys, monkeypatch, "form", "-o", tmp_path / "c", "--year", 99999)
    assert (status, said) == (2, "错误：--year 应为四位年份，例如2024，不是99999\n")
    assert (
        "--year 没有用上" in called(capsys, monkeypatch, "form", "-o", tmp_path / "r.xlsx", "--year", 2024)[2]
    )


WRONG_OUTPUTS = [
    (("check", "IN", "-o", "a.docx"), "不能写.docx文件；输出文件可以是.txt、.json"),
    (("check", "IN", "--format", "text", "-o", "a.json"), "--format text 与输出文件a.json的后缀不一致"),
    (("check", "IN", "--format", "html"), "--format 只能是 text 或 json，不是“html”"),
    (("diff", "IN", "IN", "-o", "a.xlsx"), "不能写.xlsx文件；输出文件可以是.txt、.json、.html"),
    (("check", "IN", "-o", "in.json"), "结果不能覆盖输入文件in.json"),
    (("read", "IN", "-o", "in.json"), "结果不能覆盖输入文件in.json"),
    (("diff", "IN", "IN", "-o", "in.json"), "结果不能覆盖输入文件in.json"),
    (("diff", "IN", "IN", "--format", "xml"), "--format 只能是 text、json 或 html，不是“xml”"),
    (("build", "IN", "-o", "b", "--allow-errors", " "), "--allow-errors 后面要写理由"),
    (("check", "IN", "--blank-as-zero", ""), "--blank-as-zero 后面要写理由"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG_OUTPUTS, ids=[words for _, words in WRONG_OUTPUTS])
def test_no_file_is_made_that_is_not_what_its_name_says(
    arguments: tuple[str, ...],
    words: str,
    reports: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [str(reports) if argument == "IN" else argument for argument in arguments]
    before = reports.read_bytes()
    status, shown, said = called(capsys, monkeypatch, *given)
    assert (status, shown) == (2, "")
    assert said.startswith(f"错误：{words}")
    assert list(tmp_path.iterdir()) == [reports]
    assert reports.read_bytes() == before


def test_the_suffix_says_the_form_of_a_check(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    called(capsys, monkeypatch, "check", reports, "-o", tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["summary"]["failed"] == 1


def test_two_reports_of_one_agency_and_year_are_named(
    pack: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [consistent_report(pack, seed, agency="甲局") for seed in (1, 2)]
    (tmp_path / "a.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    _, shown, _ = called(capsys, monkeypatch, "check", tmp_path / "a.json")
    assert f"同一单位同一年度不止一份：甲局{data[0]['year']}年（2份）" in shown
    _, shown, _ = called(capsys, monkeypatch, "check", tmp_path / "a.json", "--format", "json")
    expected = [{"agency": "甲局", "year": data[0]["year"], "reports": 2}]
    assert json.loads(shown)["repeated"] == expected


@pytest.mark.parametrize("option", ["--annotate", "--fix-totals"])
def test_a_copy_of_a_workbook_has_the_name_of_one(
    option: str,
    reports: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called(capsys, monkeypatch, "read", reports, "-o", tmp_path / "a.xlsx")
    status, _, said = called(capsys, monkeypatch, "check", tmp_path / "a.xlsx", option, tmp_path / "b.docx")
    assert (status, said) == (2, "错误：副本是Excel工作簿，文件名须以.xlsx结尾，不是“b.docx”\n")


def test_a_filled_in_sheet_of_explanations_is_not_written_over(
    reports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = tmp_path / "检查结果.xlsx"
    called(capsys, monkeypatch, "check", reports, "-o", sheet)
    before = sheet.read_bytes()
    status, _, said = called(capsys, monkeypatch, "check", reports, "-o", sheet, "--waivers", sheet)
    assert (status, said) == (2, f"错误：结果不能覆盖输入文件{sheet}，请换一个文件名\n")
    assert sheet.read_bytes() == before
