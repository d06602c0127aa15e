"""Hostile documents: one clear sentence each, soon, without a traceback, and nothing loaded or run."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, consistent_report
from documents import page_html, read_one
from drawn_pdf import pdf_file, pdf_stream
from nianbao.errors import InputError
from nianbao.pack import Pack
from nianbao.pipeline import render, report_from_data
from nianbao.readers import read_raw


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a reader must not use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def word_file(pack: Pack) -> bytes:
    return render(report_from_data(consistent_report(pack, 5), pack), pack)


def repacked(docx: bytes, changes: dict[str, bytes | None], **extra: bytes) -> bytes:
    """Return a Word file with parts replaced, or dropped where they are None, and others added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = changes.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in extra.items():
            new.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return out.getvalue()


MAIN = "word/document.xml"
RELS = "word/_rels/document.xml.rels"


def part(docx: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(docx)) as package:
        return package.read(name)


def bomb(docx: bytes) -> bytes:
    main = part(docx, MAIN)
    return repacked(docx, {MAIN: main.replace(b"<w:body>", b"<w:body>" + b" " * (60 << 20))})


def entities(docx: bytes) -> bytes:
    names = "".join(f'<!ENTITY e{i} "&e{i - 1};&e{i - 1};&e{i - 1};&e{i - 1};">' for i in range(1, 30))
    head = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "x">{names}]>'.encode()
    main = part(docx, MAIN)
    return repacked(
        docx, {MAIN: head + main[main.index(b"<w:document") :].replace(b"<w:body>", b"<w:body>&e29;")}
    )


def external_entity(docx: bytes) -> bytes:
    head = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    main = part(docx, MAIN)
    return repacked(docx, {MAIN: head + main[main.index(b"<w:document") :]})


def broken_xml(docx: bytes) -> bytes:
    return repacked(docx, {MAIN: part(docx, MAIN)[:-200]})


def deep_xml(docx: bytes) -> bytes:
    deep = b"<w:tbl><w:tr><w:tc>" * 5000 + b"</w:tc></w:tr></w:tbl>" * 5000
    main = part(docx, MAIN)
    return repacked(docx, {MAIN: main.replace(b"</w:body>", deep + b"</w:body>")})


def no_body(docx: bytes) -> bytes:
    return repacked(
        docx, {MAIN: b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"/>'}
    )


def wide_table(docx: bytes) -> bytes:
    cell = b'<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>'
    main = part(docx, MAIN)
    return repacked(docx, {MAIN: main.replace(b"</w:body>", cell + b"</w:body>")})


WORD_FILES: dict[Callable[[bytes], bytes], str] = {
    bomb: "大得不正常",
    entities: "DTD",
    external_entity: "DTD",
    broken_xml: "损坏",
    deep_xml: "损坏|嵌套过深",
    no_body: "没有正文",
    wide_table: "损坏|大得不正常",
}


@pytest.mark.parametrize("make", WORD_FILES, ids=lambda make: make.__name__)
def test_a_hostile_word_file_is_one_clear_error(
    make: Callable[[bytes], bytes], word_file: bytes, pack: Pack, tmp_path: Path
) -> None:
    path = tmp_path / "报告.docx"
    path.write_bytes(make(word_file))
    with pytest.raises(InputError, match=WORD_FILES[make]) as caught:
        list(read_raw(path, pack))
    assert caught.value.file == str(path)


def test_what_a_word_file_would_load_or_run_is_named_and_not_touched(
    word_file: bytes, pack: Pack, tmp_path: Path
) -> None:
    remote = (
        b'<Relationship Id="rId99" TargetMode="External" Target="http://192.0.2.1/t.dotm" Type="http://schemas.'
        b'openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"/></Relationships>'
    )
    rels = part(word_file, RELS).replace(b"</Relationships>", remote)
    path = tmp_path / "报告.docx"
    path.write_bytes(repacked(word_file, {RELS: rels}, word__vbaProject_dot_bin=b"macro"))
    report = read_one(path, pack)
    assert sorted(f.rule for f in report.findings) == ["EXTERNAL", "MACRO"]
    assert "192.0.2.1" in next(f.message for f in report.findings if f.rule == "EXTERNAL")
    assert report.value("requests.new.total") is not None


def hyperlinked(docx: bytes) -> bytes:
    link = (
        b'<Relationship Id="rId98" TargetMode="External" Target="http://www.example.gov.cn/" Type="http://schemas.'
        b'openxmlformats.org/officeDocument/2006/relationships/hyperlink"/></Relationships>'
    )
    return repacked(docx, {RELS: part(docx, RELS).replace(b"</Relationships>", link)})


def test_a_link_for_people_is_no_finding(word_file: bytes, pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "报告.docx"
    path.write_bytes(hyperlinked(word_file))
    assert read_one(path, pack).findings == ()


# ---------------------------------------------------------------- pages and texts


def deep_page(page: str) -> str:
    return page.replace("<body>", "<body>" + "<div>" * 50_000)


def endless_table(page: str) -> str:
    cell = '<td rowspan="999999999" colspan="999999999">1</td>'
    return page.replace("<body>", f"<body><table>{('<tr>' + cell * 50 + '</tr>') * 50}</table>")


PAGES: dict[Callable[[str], str], str | None] = {
    deep_page: "嵌套过深|没有找到",
    endless_table: "大得不正常",
    lambda page: page + "<p>" + "字" * (25 << 20) + "</p>": "大得不正常",
    lambda page: "<html></html>": "没有",
}


@pytest.mark.parametrize("make", PAGES, ids=["deep", "endless table", "50 MB", "empty"])
def test_a_hostile_page_is_one_clear_error(make: Callable[[str], str], pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "报告.html"
    path.write_text(make(page_html(consistent_report(pack, 5), pack)), encoding="utf-8")
    with pytest.raises(InputError, match=PAGES[make]):
        list(read_raw(path, pack))


def test_a_page_is_read_without_its_scripts_frames_and_pictures(pack: Pack, tmp_path: Path) -> None:
    page = page_html(consistent_report(pack, 5), pack)
    active = (
        '<script>document.write("7")</script><iframe src="http://192.0.2.1/"></iframe>'
        '<img src="http://192.0.2.1/x.png"><p style="display:none">六、其他需要报告的事项</p>'
    )
    path = tmp_path / "报告.html"
    path.write_text(page.replace("</body>", f"{active}</body>"), encoding="utf-8")
    report = read_one(path, pack)
    assert report.findings == ()
    assert report.data["other_matters"] == "2023年未收取信息处理费。"


TEXTS = {
    "50 MB": ("一、总体情况\n" + "公开 1 2 3\n" * 100) * 40_000,
    "one line": "一、总体情况" + "数" * (7 << 20),
    "only figures": "三、收到和处理政府信息公开申请情况\n" + "1 2 3 4 5 6 7\n" * 100_000,
    "headings": "一、总体情况\n二、主动公开政府信息情况\n" * 20_000,
    "brackets": "三、收到和处理政府信息公开申请情况\n" + "（" * 200_000 + " 1" * 200_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_no_report_is_one_clear_error_soon(name: str, pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "报告.txt"
    path.write_text(TEXTS[name], encoding="utf-8")
    started = time.process_time()
    with pytest.raises(InputError, match=r"没有找到|MB|行"):
        list(read_raw(path, pack))
    assert time.process_time() - started < 10


# ---------------------------------------------------------------- PDFs


PAGE = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<{0}>>>>"
CATALOG = "<</Type/Catalog/Pages 2 0 R>>"
ONE_PAGE = "<</Type/Pages/Kids[3 0 R]/Count 1>>"
FORM = "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>"
PDFS = {
    "pages that are their own children": pdf_file(CATALOG, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"),
    "a form that draws itself": pdf_file(
        CATALOG,
        ONE_PAGE,
        PAGE.format("/XObject<</F 5 0 R>>"),
        pdf_stream("/F Do " * 20),
        pdf_stream("/F Do " * 20, FORM),
    ),
    "endless content": pdf_file(CATALOG, ONE_PAGE, PAGE.format(""), pdf_stream("q " * 3_000_000)),
    "a page tree that parents itself": pdf_file(
        CATALOG, "<</Type/Pages/Kids[3 0 R]/Count 1/Parent 2 0 R>>", "3 0 R"
    ),
    "cut off": pdf_file(CATALOG, ONE_PAGE, PAGE.format(""), pdf_stream("BT ET"))[:150],
    "no objects": b"%PDF-1.7\n%%EOF",
    "a scan": pdf_file(CATALOG, ONE_PAGE, PAGE.format(""), pdf_stream("")),
}


# These run until the parser's time is up.
ENDLESS = ("endless content", "a page tree that parents itself")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in ENDLESS else ()) for name in PDFS]
)
def test_a_hostile_pdf_is_one_clear_error(name: str, pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "报告.pdf"
    path.write_bytes(PDFS[name])
    with pytest.raises(InputError, match="PDF") as caught:
        list(read_raw(path, pack))
    assert "扫描件" in caught.value.message or name != "a scan"


def test_the_parser_works_again_after_a_file_that_broke_it(pack: Pack, tmp_path: Path) -> None:
    from nianbao.readers.documents.pdf import read_pdf

    bad, good = tmp_path / "坏.pdf", tmp_path / "好.pdf"
    bad.write_bytes(PDFS["cut off"])
    font = "/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
    good.write_bytes(
        pdf_file(
            CATALOG, ONE_PAGE, PAGE.format(font), pdf_stream("BT /F1 12 Tf 72 720 Td (Report 2023) Tj ET")
        )
    )
    for _ in range(2):
        with pytest.raises(InputError):
            read_pdf(bad)
        (line,) = read_pdf(good).blocks
        assert getattr(line, "text", None) == "Report 2023"


def test_a_missing_pdfplumber_is_one_sentence_how_to_install_it(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "pdfplumber" else find(name, *a)
    )
    path = tmp_path / "报告.pdf"
    path.write_bytes(PDFS["a scan"])
    with pytest.raises(InputError, match=r"pip install 'nianbao\[pdf\]'"):
        list(read_raw(path, pack))


# ---------------------------------------------------------------- all of them at once, measured from outside


def hostile_folder(folder: Path, word_file: bytes, pack: Pack) -> Iterator[Path]:
    page = page_html(consistent_report(pack, 5), pack)
    contents: dict[str, Any] = {f"{make.__name__}.docx": make(word_file) for make in WORD_FILES}
    contents |= {f"page{i}.html": make(page).encode() for i, make in enumerate(PAGES)}
    contents |= {f"text{i}.txt": text.encode() for i, text in enumerate(TEXTS.values())}
    contents |= {f"pdf{i}.pdf": content for i, content in enumerate(PDFS.values())}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        yield folder / name


# Processor time, of the parser as well: what the clock says depends on what else the machine does.
CHECK = """
import os, resource, sys
from pathlib import Path
from nianbao import load_pack
from nianbao.errors import InputError
from nianbao.readers import read_raw
pack = load_pack()
for name in sys.argv[1:]:
    started = sum(os.times()[:4])
    try:
        list(read_raw(Path(name), pack))
        print("READ", name)
    except InputError as error:
        print(f"{sum(os.times()[:4]) - started:.1f}", error.message)
# The usage that the system keeps of a process begins with what the one that started it had.
own = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(own.split()[1]) >> 10, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
"""


@pytest.mark.slow
def test_all_hostile_files_take_ten_seconds_and_half_a_gigabyte_at_most(
    word_file: bytes, pack: Pack, tmp_path: Path
) -> None:
    names = [str(path) for path in hostile_folder(tmp_path, word_file, pack)]
    done = subprocess.run(
        [sys.executable, "-c", CHECK, *names],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
    )
    *lines, memory = done.stdout.splitlines()
    assert len(lines) == len(names), done.stderr
    for line in lines:
        assert float(line.split()[0]) < 10, line
    assert all(int(size) < 512 for size in memory.split()), memory
