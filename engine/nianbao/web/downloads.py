"""What can be taken along: a report in each format, all of them, the marked workbook, blank forms."""

from __future__ import annotations

import io
import tempfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nianbao.errors import OutputError, RenderError
from nianbao.filenames import Namer, safe_name
from nianbao.findings import Where
from nianbao.outputs.html import render_html
from nianbao.outputs.pdf import PdfJob, PdfPool
from nianbao.outputs.pdf.check import PDFIUM
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult, render
from nianbao.rendering.context import filled_name
from nianbao.rendering.template import CompiledTemplate
from nianbao.report import Report

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KEPT = 32
# Pages are pictures for a screen: 144 dots an inch stay sharp when they are enlarged a little.
_SCALE = 2.0
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def file_name(report: Report, pack: Pack, suffix: str) -> str:
    """Return the name that a report's file should have."""
    return f"{safe_name(filled_name(pack, report.agency or '未填单位', report.year))}{suffix}"


class Printer:
    """Turns reports into PDF and their pages into pictures; what was made last is kept.

    LibreOffice starts when the first PDF is wanted. Raises OutputError where it is not installed.
    """

    def __init__(self, jobs: int = 1) -> None:
        self._jobs = jobs
        self._pool: PdfPool | None = None
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, bytes] = OrderedDict()

    def pdf(self, docx: bytes, words: Sequence[str], key: object) -> bytes:
        """Return the PDF of a Word file; `key` says which version of which report it is, None keeps none."""
        with self._lock:
            if key is not None and key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            if self._pool is None:
                self._pool = PdfPool(self._jobs)
        made = self._pool.submit([PdfJob(docx, tuple(words))]).result()[0]
        if made.content is None:
            raise OutputError(made.problem)
        if key is None:
            return made.content
        with self._lock:
            self._kept[key] = made.content
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made.content

    def pages(self, pdf: bytes) -> int:
        """Return the number of pages."""
        with PDFIUM:
            return _pages(pdf)

    def picture(self, pdf: bytes, number: int) -> bytes:
        """Return a page (from 1) as PNG; raises IndexError where there is none."""
        with PDFIUM:
            return _picture(pdf, number)

    def close(self) -> None:
        """Stop the converters."""
        if self._pool is not None:
            self._pool.__exit__(None, None, None)


def _pages(pdf: bytes) -> int:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()


def _picture(pdf: bytes, number: int) -> bytes:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        if not 1 <= number <= len(document):
            raise IndexError(number)
        stream = io.BytesIO()
        document[number - 1].render(scale=_SCALE).to_pil().save(stream, "PNG")
        return stream.getvalue()
    finally:
        document.close()


def rendered(
    report: Report,
    pack: Pack,
    form: str,
    printer: Printer,
    key: object = None,
    template: CompiledTemplate | None = None,
) -> bytes:
    """Return a report as docx, html, html-fragment or pdf; raises RenderError, OutputError."""
    if form in ("html", "html-fragment"):
        return render_html(report, pack, template=template, fragment=form == "html-fragment").encode()
    docx = render(report, pack, template)
    return printer.pdf(docx, [report.agency], key) if form == "pdf" else docx


def as_zip(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return files as a zip archive, equal content giving equal bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            packed = name.endswith((".docx", ".xlsx"))
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return stream.getvalue()


def all_reports(results: Iterable[CheckResult], pack: Pack) -> list[tuple[str, bytes]]:
    """Return the Word files of all reports that pass, each under a name of its own."""
    namer = Namer()
    files = []
    for result in results:
        name, _ = namer.name(filled_name(pack, result.report.agency or "未填单位", result.report.year))
        if result.ok:
            try:
                files.append((f"{name}.docx", render(result.report, pack)))
            except RenderError as error:
                files.append((f"{name}（未能生成）.txt", error.message.encode()))
    return files


def annotated(path: Path, results: Sequence[CheckResult], pack: Pack) -> bytes:
    """Return a copy of a workbook with the findings of all its reports; raises OutputError, InputError."""
    from nianbao.outputs.annotation.annotate import annotate
    from nianbao.outputs.annotation.marks import all_marks

    # All of them stand in this file, whatever name people know it by.
    findings = [replace(f, where=_here(f.where)) for result in results for f in result.findings]
    marks = [replace(mark, where=_here(mark.where)) for mark in all_marks(results, pack)]
    with tempfile.TemporaryDirectory(prefix="nianbao-web-") as folder:
        target = Path(folder) / "annotated.xlsx"
        annotate(path, target, findings, marks)
        return target.read_bytes()


def _here(where: Where) -> Where:
    return replace(where, file=None)


def blank_form(pack: Pack, agency: Mapping[str, Any], previous: Report | None = None) -> bytes:
    """Return the form of an agency, with what last year carries forward; raises OutputError."""
    from nianbao.outputs.forms import write_form

    with tempfile.TemporaryDirectory(prefix="nianbao-web-") as folder:
        path = Path(folder) / "form.xlsx"
        write_form(pack, path, agency=agency, previous=previous)
        return path.read_bytes()


def blank_register(pack: Pack) -> bytes:
    """Return a register to be filled in, one row an agency; raises OutputError."""
    from nianbao.outputs.forms import write_register

    with tempfile.TemporaryDirectory(prefix="nianbao-web-") as folder:
        path = Path(folder) / "register.xlsx"
        write_register(pack, path, roster=[{}] * 60)
        return path.read_bytes()
