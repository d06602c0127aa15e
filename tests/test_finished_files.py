"""Finished reports as files: every command takes them, workers read many, old formats are converted."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from conftest import consistent_report
from documents import figures_of, page_html, printed, read_one
from nianbao.batch import build
from nianbao.cli.app import app
from nianbao.errors import InputError
from nianbao.inputs import Source, expand
from nianbao.outputs.pdf import convert_docx
from nianbao.pack import Pack
from nianbao.pipeline import render, report_from_data
from nianbao.readers import office
from nianbao.report import exchanged
from nianbao.workers import LocalPool

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")


def word_file(data: dict[str, Any], pack: Pack, folder: Path) -> Path:
    path = folder / f"{data['agency']}{data['year']}.docx"
    path.write_bytes(render(report_from_data(data, pack), pack))
    return path


def run(*arguments: object) -> int:
    return CliRunner().invoke(app, [str(argument) for argument in arguments]).exit_code


@pytest.fixture(scope="module")
def folder(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three finished reports: a right Word file, a page with a wrong total, a page without table four."""
    folder = tmp_path_factory.mktemp("公开")
    word_file(consistent_report(pack, 1, agency="甲局"), pack, folder)
    wrong = consistent_report(pack, 2, agency="乙局")
    wrong["requests"]["results"]["total"]["total"] += 1
    (folder / "乙局.html").write_text(page_html(wrong, pack), encoding="utf-8")
    short = consistent_report(pack, 3, agency="丙局")
    (folder / "丙局.htm").write_text(page_html(short, pack, table3="<p>（略）</p>"), encoding="utf-8")
    return folder


def test_checking_a_folder_of_finished_reports_gives_one_workbook(folder: Path, tmp_path: Path) -> None:
    assert run("check", folder, "-o", tmp_path / "检查结果.xlsx") == 1
    workbook = load_workbook(tmp_path / "检查结果.xlsx")
    overview = [[cell.value for cell in row] for row in workbook["总览"].iter_rows()]
    states = {row[1]: row[6] for row in overview if row[1] in ("甲局", "乙局", "丙局")}
    assert states == {"甲局": "通过", "乙局": "未通过", "丙局": "未通过"}
    findings = [[cell.value for cell in row] for row in workbook["问题清单"].iter_rows()]
    rule = findings[0].index("规则")
    missing = next(row for row in findings if row[rule] == "NOT-FOUND")
    assert missing[1] == "丙局"
    wrong = next(row for row in findings if row[rule] == "T3-BALANCE")
    assert "乙局.html" in str(wrong[4])
    assert "第2个表" in str(wrong[4])


def test_checking_as_json_gives_each_figure_its_table_row_and_column(folder: Path, tmp_path: Path) -> None:
    run("check", folder / "乙局.html", "--format", "json", "-o", tmp_path / "out.json")
    (report,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["reports"]
    finding = next(f for f in report["findings"] if f["rule"] == "T3-BALANCE")
    assert {"file", "table", "row", "column"} <= finding["where"].keys()


def test_reading_finished_reports_gives_their_data(folder: Path, pack: Pack, tmp_path: Path) -> None:
    assert run("read", folder / "甲局2023.docx", "-o", tmp_path / "甲局.json") == 0
    (data,) = json.loads((tmp_path / "甲局.json").read_text(encoding="utf-8"))
    assert data == printed(consistent_report(pack, 1, agency="甲局"), pack)


def test_building_from_finished_reports_refuses_those_that_fail(folder: Path, tmp_path: Path) -> None:
    assert run("build", folder, "-o", tmp_path / "out") == 1
    assert [path.name for path in (tmp_path / "out").glob("*.docx")] == [
        "甲局2023年政府信息公开工作年度报告.docx"
    ]


def test_a_form_from_last_years_report_carries_its_figures_forward(
    folder: Path, pack: Pack, tmp_path: Path
) -> None:
    last = folder / "甲局2023.docx"
    assert run("form", "-o", tmp_path / "填报表", "--from", last) == 0
    (path,) = (tmp_path / "填报表").glob("*.xlsx")
    assert "甲局2024年" in path.name
    report = read_one(path, pack)
    old = consistent_report(pack, 1, agency="甲局")
    assert report.data["requests"]["carried_in"] == old["requests"]["carried_out"]
    for kind in ("government_rules", "normative_documents"):
        assert report.data["disclosure"][kind]["in_force"] == old["disclosure"][kind]["in_force"]
    assert report.data["requests"]["new"]["natural_person"] is None


def test_what_a_batch_wrote_is_not_read_as_an_input_beside_others(pack: Pack, tmp_path: Path) -> None:
    data = consistent_report(pack, 4, agency="丁局")
    (tmp_path / "丁局.json").write_text(json.dumps(exchanged(data), ensure_ascii=False), encoding="utf-8")
    for _ in range(2):
        result = build([str(tmp_path)], tmp_path / "out", pack)
        assert [entry.agency for entry in result.entries] == ["丁局"]
    assert [p.name for p in expand([tmp_path / "out"]) if isinstance(p, Path)] == [
        "丁局2023年政府信息公开工作年度报告.docx"
    ]


def test_plain_texts_of_a_folder_count_only_where_there_is_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "说明.txt").write_text("说明", encoding="utf-8")
    assert [p.name for p in expand([tmp_path]) if isinstance(p, Path)] == ["说明.txt"]
    (tmp_path / "报告.html").write_text("<p>", encoding="utf-8")
    assert [p.name for p in expand([tmp_path]) if isinstance(p, Path)] == ["报告.html"]


def test_many_documents_are_read_by_workers_in_order(pack: Pack, tmp_path: Path) -> None:
    data = consistent_report(pack, 5, agency="戊局")
    content = word_file(data, pack, tmp_path).read_bytes()
    for number in range(26):
        (tmp_path / f"{number:02d}.docx").write_bytes(content if number != 7 else b"PK\x03\x04 broken")
    (tmp_path / "x.json").write_text(json.dumps(exchanged(data), ensure_ascii=False), encoding="utf-8")
    source = Source([str(tmp_path)], pack, LocalPool(2))
    raws = list(source)
    names = [Path(raw.source.file or "").name for raw in raws]
    assert names == [*(f"{n:02d}.docx" for n in range(26) if n != 7), "x.json", "戊局2023.docx"]
    assert [Path(file).name for file, _ in source.unreadable] == ["07.docx"]
    assert source.workers is not None
    assert source.workers._pool is None or not source.workers._pool._processes
    one, other = raws[0], raws[-1]
    assert dict(one.values) == dict(other.values)
    assert one.finished


def test_an_old_word_file_without_libreoffice_is_one_sentence_how_to_save_it(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "find_office", lambda: None)
    path = tmp_path / "报告.doc"
    path.write_text(r"{\rtf1\ansi report}", encoding="ascii")
    with pytest.raises(InputError, match=r"另存为\.docx"):
        read_one(path, pack)


def test_a_document_named_like_a_workbook_is_not_taken_for_a_report(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "登记表.xls"
    path.write_text(page_html(consistent_report(pack, 5), pack), encoding="utf-8")
    with pytest.raises(InputError, match="不是Excel工作簿"):
        read_one(path, pack)


# ---------------------------------------------------------------- through LibreOffice


def converted(path: Path, suffix: str) -> Path:
    """Return a copy of a document that LibreOffice made."""
    if SOFFICE is None:
        pytest.skip("LibreOffice is not installed")
    profile = (path.parent / "profile").as_uri()
    command = [SOFFICE, f"-env:UserInstallation={profile}", "--headless", "--convert-to", suffix]
    subprocess.run(
        [*command, "--outdir", str(path.parent), str(path)], check=True, capture_output=True, timeout=120
    )
    return path.with_suffix(f".{suffix}")


@pytest.mark.slow
@pytest.mark.parametrize("index", range(5))
def test_an_example_as_a_pdf_reads_to_the_same_data(
    index: int, examples: list[dict[str, Any]], pack: Pack, tmp_path: Path
) -> None:
    path = word_file(examples[index], pack, tmp_path)
    made = convert_docx(path.read_bytes())
    assert made.content is not None
    path.with_suffix(".pdf").write_bytes(made.content)
    report = read_one(path.with_suffix(".pdf"), pack)
    assert exchanged(report.data) == printed(examples[index], pack)
    assert report.findings == ()
    where = report.where("requests.carried_out.total")
    assert where.page
    assert where.box


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["doc", "rtf", "html"])
def test_an_example_in_another_format_of_libreoffice_reads_to_the_same_figures(
    suffix: str, examples: list[dict[str, Any]], pack: Pack, tmp_path: Path
) -> None:
    path = converted(word_file(examples[1], pack, tmp_path), suffix)
    report = read_one(path, pack)
    found, want = exchanged(report.data), printed(examples[1], pack)
    assert figures_of(found, pack) == figures_of(want, pack)
    assert found["problems"] == want["problems"]
    assert (found["agency"], found["year"]) == (want["agency"], want["year"])
    assert report.source.file == str(path)
    assert [f.message for f in report.findings if f.severity != "info"] == []


@pytest.mark.slow
def test_a_pdf_whose_tables_have_no_lines_is_read_as_a_stream(
    examples: list[dict[str, Any]], pack: Pack, tmp_path: Path
) -> None:
    path = word_file(examples[1], pack, tmp_path)
    content = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name in ("word/document.xml", "word/styles.xml"):
                data = re.sub(rb"<w:(tblBorders|tcBorders)>.*?</w:\1>", b"", data, flags=re.DOTALL)
            new.writestr(name, data)
    path.write_bytes(content.getvalue())
    report = read_one(converted(path, "pdf"), pack)
    assert figures_of(exchanged(report.data), pack) == figures_of(printed(examples[1], pack), pack)
    assert [f.rule for f in report.findings] == ["STREAM"] * 3
