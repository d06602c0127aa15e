"""A batch in several formats: one name, each resumed by itself, all of them voided together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from conftest import consistent_report
from nianbao.batch import SUMMARY, VOIDED, build
from nianbao.batch.formats import SUFFIXES, checked_formats
from nianbao.cli.app import app
from nianbao.errors import NianbaoError, OutputError
from nianbao.filenames import MAX_BYTES, Namer
from nianbao.outputs.html import render_html
from nianbao.pack import Pack
from nianbao.pipeline import report_from_data
from standin import install

ALL = ("docx", "html", "html-fragment")
needs_office = pytest.mark.skipif(
    not (shutil.which("soffice") or shutil.which("libreoffice")), reason="LibreOffice is not installed"
)


@pytest.fixture
def two(pack: Pack) -> list[dict[str, Any]]:
    return [consistent_report(pack, seed, agency=f"第{seed}局") for seed in (1, 2)]


def save(path: Path, reports: list[Any]) -> Path:
    path.write_text(json.dumps(reports, ensure_ascii=False), encoding="utf-8")
    return path


def stem(data: dict[str, Any]) -> str:
    return f"{data['agency']}2023年政府信息公开工作年度报告"


def outputs(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.is_file()} - {SUMMARY, "manifest.jsonl"}


def broken(data: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(data))
    copy["requests"]["new"]["total"] += 1
    return copy


def test_all_formats_of_a_report_share_its_name(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    result = build([save(tmp_path / "in.json", two)], tmp_path / "out", pack, formats=ALL)
    assert outputs(tmp_path / "out") == {
        f"{stem(data)}{suffix}" for data in two for suffix in (".docx", ".html", ".frag.html")
    }
    report = report_from_data(two[0], pack)
    page = (tmp_path / "out" / f"{stem(two[0])}.html").read_text(encoding="utf-8")
    part = (tmp_path / "out" / f"{stem(two[0])}.frag.html").read_text(encoding="utf-8")
    assert page == render_html(report, pack)
    assert part == render_html(report, pack, fragment=True)
    assert (result.written, result.kept) == (2, 0)
    assert result.entries[0].output == f"{stem(two[0])}.docx、.html、.frag.html"


def test_only_the_format_that_is_missing_or_spoilt_is_made_again(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    out, source = tmp_path / "out", save(tmp_path / "in.json", two)
    build([source], out, pack, formats=ALL)
    gone, spoilt = out / f"{stem(two[0])}.html", out / f"{stem(two[1])}.frag.html"
    page, part = gone.read_bytes(), spoilt.read_bytes()
    gone.unlink()
    spoilt.write_bytes(b"x")
    inodes = {p.name: p.stat().st_ino for p in out.iterdir() if p.suffix in (".docx", ".html")}
    result = build([source], out, pack, formats=ALL)
    assert (result.written, result.kept) == (2, 0)
    assert (gone.read_bytes(), spoilt.read_bytes()) == (page, part)
    changed = {n for n, inode in inodes.items() if (out / n).stat().st_ino != inode}
    assert changed == {spoilt.name}
    again = build([source], out, pack, formats=ALL)
    assert (again.written, again.kept) == (0, 2)


def test_a_report_that_now_fails_takes_all_its_formats_away(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    out, source = tmp_path / "out", save(tmp_path / "in.json", two)
    build([source], out, pack, formats=ALL)
    save(source, [broken(two[0]), two[1]])
    result = build([source], out, pack, formats=ALL)
    away = {f"{stem(two[0])}{suffix}" for suffix in (".docx", ".html", ".frag.html")}
    assert set(result.voided) == away
    assert outputs(out / VOIDED) == away
    assert outputs(out) == {f"{stem(two[1])}{suffix}" for suffix in (".docx", ".html", ".frag.html")}
    allowed = build([source], out, pack, formats=("html",), allow_errors="试生成")
    assert allowed.entries[0].output == f"{stem(two[0])}（未通过校验）.html"
    assert (out / allowed.entries[0].output).exists()


def test_a_format_that_is_not_asked_for_stays_while_it_is_right_and_goes_when_it_is_not(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    out, source = tmp_path / "out", save(tmp_path / "in.json", two)
    build([source], out, pack, formats=("docx", "html"))
    assert build([source], out, pack).voided == ()
    assert (out / f"{stem(two[0])}.html").exists()
    save(source, [{**two[0], "problems": "改过的问题。"}, two[1]])
    result = build([source], out, pack)
    assert result.voided == (f"{stem(two[0])}.html",)
    assert (out / f"{stem(two[0])}.docx").exists()
    assert (out / f"{stem(two[1])}.html").exists()


def test_a_format_that_does_not_exist_is_refused_before_anything_is_done(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert checked_formats([" html", "docx", "html", ""]) == ("docx", "html")
    assert checked_formats([]) == ("docx",)
    with pytest.raises(OutputError, match=r"odt.*可用的有：docx"):
        build([save(tmp_path / "in.json", two)], tmp_path / "out", pack, formats=("docx", "odt"))
    assert not (tmp_path / "out").exists()


def test_the_longest_name_has_room_for_every_suffix() -> None:
    namer = Namer()
    names = [namer.name("很长的名称" * 40)[0] for _ in range(120)]
    assert max(len(f"{n}（未通过校验）{s}".encode()) for n in names for s in SUFFIXES.values()) <= MAX_BYTES


def test_a_pdf_that_is_not_right_is_an_error_of_its_report_and_not_kept(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stand-in's page is blank: the agency's name is missing.
    install(tmp_path, monkeypatch)
    result = build([save(tmp_path / "in.json", two)], tmp_path / "out", pack, formats=("docx", "pdf"))
    assert [e.status for e in result.entries] == ["fail", "fail"]
    assert [f.rule for e in result.entries for f in e.findings if f.severity == "error"] == ["PDF", "PDF"]
    assert result.entries[0].output == f"{stem(two[0])}.docx"
    assert outputs(tmp_path / "out") == {f"{stem(data)}.docx" for data in two}
    sheet = load_workbook(tmp_path / "out" / SUMMARY)["问题清单"]
    assert any("找不到单位名称" in str(cell.value) for row in sheet.rows for cell in row)


def test_without_libreoffice_nothing_is_begun(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("nianbao.outputs.pdf.office._PLACES", ())
    with pytest.raises(NianbaoError, match="LibreOffice"):
        build([save(tmp_path / "in.json", two)], tmp_path / "out", pack, formats=("pdf",))
    assert not (tmp_path / "out" / "manifest.jsonl").exists()


@needs_office
def test_the_command_writes_all_formats_and_resumes_each(
    pack: Pack, two: list[dict[str, Any]], tmp_path: Path
) -> None:
    out, source = tmp_path / "out", save(tmp_path / "in.json", two)
    call = ["build", str(source), "-o", str(out), "--jobs", "1", "--format", "docx,html,pdf"]
    first = CliRunner().invoke(app, call)
    assert first.exit_code == 0, first.output
    pdf = out / f"{stem(two[0])}.pdf"
    text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))
    assert two[0]["agency"] in "".join(text.split())
    again = CliRunner().invoke(app, call)
    assert "沿用2份" in again.output
    other = out / f"{stem(two[1])}.pdf"
    inode = other.stat().st_ino
    pdf.unlink()
    third = CliRunner().invoke(app, call)
    assert "生成1份，沿用1份" in third.output
    assert pdf.exists()
    assert other.stat().st_ino == inode
