"""PDF through LibreOffice: many files a start, what fails costs itself only, nothing is fetched or left."""

from __future__ import annotations

import http.server
import io
import os
import re
import shutil
import tempfile
import threading
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from docx import Document

from nianbao.errors import OutputError
from nianbao.outputs.pdf import PdfJob, PdfPool, convert_docx, office
from nianbao.outputs.pdf.check import PDFIUM, check_pdf
from nianbao.outputs.pdf.fonts import missing_fonts
from nianbao.pack import Pack
from nianbao.pipeline import render, report_from_data
from standin import Clock, install, is_alive, pdf_of_a_page

needs_office = pytest.mark.skipif(
    not (shutil.which("soffice") or shutil.which("libreoffice")), reason="LibreOffice is not installed"
)
# A PNG of one dot.
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d4944415478da63646060f80f0000870180 eb47ba920000000049454e44ae426082".replace(" ", "")
)


def saved(document: Any) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def docx_of(*paragraphs: str) -> bytes:
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    return saved(document)


def with_remote_picture(address: str) -> bytes:
    """A Word file whose picture is to be fetched from an address."""
    document = Document()
    document.add_paragraph("某局")
    document.add_picture(io.BytesIO(DOT))
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(document))) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            text = old.read(name).replace(b"r:embed=", b"r:link=")
            target = f'Target="{address}" TargetMode="External"'.encode()
            new.writestr(name, text.replace(b'Target="media/image1.png"', target))
    return stream.getvalue()


@contextmanager
def server() -> Iterator[tuple[str, list[str]]]:
    """A web server of this machine and the list of what it is asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/dot.png", asked
        listening.shutdown()


@needs_office
def test_good_files_become_pdfs_and_bad_ones_say_why(
    pack: Pack, examples: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    report = report_from_data(examples[1], pack)
    good = render(report, pack)
    with server() as (address, asked), PdfPool(1) as pool:
        jobs = [
            PdfJob(good, (report.agency,)),
            PdfJob(b"not a Word file"),
            PdfJob(good, ("另一个单位",)),
            PdfJob(with_remote_picture(address), ("某局",)),
        ]
        first, second, third, fourth = pool.submit(jobs).result()
    assert (first.problem, fourth.problem) == ("", "")
    assert first.content is not None
    assert 5 <= len(pypdfium2.PdfDocument(first.content)) <= 9
    assert b"/StructTreeRoot" in first.content
    assert (second.content, third.content) == (None, None)
    assert "没有生成PDF" in second.problem
    assert "找不到单位名称" in third.problem
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return install(tmp_path, monkeypatch)


@pytest.mark.parametrize("bad", [b"bad", b"dies", b"hangs"])
def test_a_file_that_fails_costs_itself_only(
    stand_in: Path, bad: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "time", Clock(stand_in))
    contents = [b"a", bad, b"b", b"c"]
    with PdfPool(1, timeout=100) as pool:
        results = pool.submit([PdfJob(content) for content in contents]).result()
    assert [bool(result.content) for result in results] == [True, False, True, True]
    assert results[1].problem.startswith("没有生成PDF：")
    starts = (stand_in / "log").read_text().split()
    # All at once, what had not had its turn, and the bad one again, alone.
    assert starts == (["4", "1"] if bad == b"bad" else ["4", "2", "1"])
    if bad == b"hangs":
        hung = (stand_in / "busy").read_text().split()
        assert len(hung) == 4
        until(lambda: not any(is_alive(int(pid)) for pid in hung))


def test_a_start_serves_so_many_files_and_no_more(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nianbao.outputs.pdf.PER_START", 3)
    with PdfPool(1) as pool:
        results = pool.submit([PdfJob(b"a")] * 7).result()
    assert all(result.content for result in results)
    assert (stand_in / "log").read_text().split() == ["3", "3", "1"]


def test_without_libreoffice_one_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(office, "_PLACES", ())
    with pytest.raises(OutputError, match="apt install libreoffice-writer"):
        PdfPool()


def test_a_pdf_is_checked_by_its_pages_and_words() -> None:
    assert check_pdf(pdf_of_a_page(), ()) == ""
    assert "找不到单位名称" in check_pdf(pdf_of_a_page(), ("某局",))
    assert "打不开" in check_pdf(pdf_of_a_page()[:100], ())


def test_one_thread_at_a_time_asks_pdfium() -> None:
    # Two at once end the process, though seldom.
    with ThreadPoolExecutor(1) as threads:
        with PDFIUM:
            waiting = threads.submit(check_pdf, pdf_of_a_page(), ())
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
        assert waiting.result() == ""


@pytest.mark.slow
@needs_office
def test_a_real_office_that_takes_too_long_is_stopped_and_the_others_are_converted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(office, "_START", 15.0)
    endless = docx_of(*["很长的段落。" * 400] * 20_000)
    small = docx_of("某局")
    with PdfPool(1, timeout=5) as pool:
        results = pool.submit([PdfJob(small), PdfJob(endless), PdfJob(small, ("某局",))]).result()
    assert [result.problem == "" for result in results] == [True, False, True]
    assert "秒内没有转换完" in results[1].problem


@pytest.mark.slow
@needs_office
def test_a_pdf_holds_every_character_of_the_texts(pack: Pack, examples: list[dict[str, Any]]) -> None:
    # A comma at the end of a justified line is what LibreOffice loses.
    reports = [render(report_from_data(data, pack), pack) for data in examples]
    with PdfPool(1) as pool:
        results = pool.submit([PdfJob(report) for report in reports]).result()
    for docx, result in zip(reports, results, strict=True):
        assert result.content is not None
        printed = text_of(result.content)
        lost = [p.text for p in Document(io.BytesIO(docx)).paragraphs if plain(p.text) not in printed]
        assert lost == []


def text_of(pdf: bytes) -> str:
    """The text of a PDF without white space and page numbers."""
    pages = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]
    return plain("".join(re.sub(r"[—-]+\s*\d+\s*[—-]+\s*$", "", page) for page in pages))


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


@pytest.mark.slow
@needs_office
def test_a_real_office_that_is_killed_is_started_again() -> None:
    small = docx_of("某局")
    with PdfPool(1) as pool:
        waiting = pool.submit([PdfJob(small, ("某局",))] * 30)
        mark = str(pool._folder)
        # Some are converted, some are not.
        until(lambda: list(pool._folder.rglob("00002.pdf")))
        for pid in offices(mark):
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        assert all(result.content for result in waiting.result())
    until(lambda: offices(mark) == [])


def offices(mark: str) -> list[int]:
    """The processes of LibreOffice whose profile is below a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdecimal() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return [pid for pid in found if is_alive(pid)]


def test_fonts_that_are_missing_are_named(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "fc-list"
    program.write_text("#!/bin/sh\necho 'SimSun,宋体'\necho Times New Roman\necho 仿宋\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    # 仿宋 is what the template itself names in the place of 仿宋_GB2312.
    assert missing_fonts(pack.template.contents) == ("方正小标宋简体", "黑体", "楷体_GB2312")


def test_one_file_alone(stand_in: Path) -> None:
    assert convert_docx(b"a").content == (stand_in / "page.pdf").read_bytes()
    assert convert_docx(b"bad").content is None
