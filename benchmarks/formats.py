"""One report as HTML and as PDF: against mammoth, and against one LibreOffice start for each file.

`python benchmarks/formats.py [--pdfs N] [--starts N] [--out FILE]`
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from common import ROOT, machine, markdown_table, measure, number, spread

from nianbao.errors import OutputError
from nianbao.outputs.html import Pages, render_html
from nianbao.outputs.pdf import PER_START, PdfJob, PdfPool
from nianbao.outputs.pdf.office import find_office
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import render, report_from_data
from nianbao.rendering.context import template_context
from nianbao.report import Report

_ROUNDS = 5


def main() -> int:
    """Measure and print; return 1 where an output was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pdfs", type=int, default=256, help="how many files the converters get")
    parser.add_argument("--starts", type=int, default=6, help="how many single starts are measured")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each HTML repetition takes")
    parser.add_argument("--out", type=Path, help="write the tables to this file as well")
    options = parser.parse_args()
    pack = load_pack("cn-ogi/2021")
    data = json.loads((ROOT / "examples/cn-ogi/2021/reports.json").read_text(encoding="utf-8"))
    reports = [report_from_data(each, pack) for each in data]
    pdf, wrong = pdf_table(reports, pack, options.pdfs, options.starts)
    text = "\n\n".join((machine(), html_table(reports[1], pack, options.seconds), pdf)) + "\n"
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return 1 if wrong else 0


def html_table(report: Report, pack: Pack, seconds: float) -> str:
    """Return what a page costs, in milliseconds, and how many times mammoth's time."""
    docx = render(report, pack)
    context = template_context(report, pack)
    pages = Pages(pack.template)
    ways: list[tuple[str, Callable[[], object]]] = [
        ("nianbao, filled page", lambda: render_html(report, pack)),
        ("nianbao, filled page, every value marked", lambda: render_html(report, pack, marked=True)),
        ("nianbao, filled fragment", lambda: render_html(report, pack, fragment=True)),
        ("nianbao, the report itself converted", lambda: pages.converted(context, False, False)),
    ]
    try:
        import mammoth

        ways.append(("mammoth, from the .docx", lambda: mammoth.convert_to_html(io.BytesIO(docx))))
        peer = f"mammoth {version('mammoth')}"
    except (ImportError, PackageNotFoundError):
        peer = "mammoth is not installed"
    times = [(name, spread(measure(way, 3, seconds).wall for _ in range(_ROUNDS))) for name, way in ways]
    last = times[-1][1].median
    rows = [(name, str(each), f"{last / each.median:.1f}") for name, each in times]
    head = ("HTML, one report", "ms, median (least–most)", "times as fast as the last")
    return f"{markdown_table(head, rows)}\n\n{peer}; warm, one core, {_ROUNDS} repetitions."


def pdf_table(reports: list[Report], pack: Pack, count: int, starts: int) -> tuple[str, int]:
    """Return what a PDF costs, and how many were wrong."""
    try:
        office = find_office()
    except OutputError as error:
        return f"PDF: {error.message}", 0
    files = [render(report, pack) for report in reports]
    words = [(report.agency,) for report in reports]
    jobs = [PdfJob(files[n % len(files)], words[n % len(files)]) for n in range(count)]
    with tempfile.TemporaryDirectory() as profile:
        one_start(office, files[0], profile)
        single = spread(one_start(office, files[n % len(files)], profile) for n in range(starts))
    rows = [("one start for each file", str(single), "1.0")]
    wrong = 0
    for converters in (1, 0):
        with PdfPool(converters) as pool:
            start = time.perf_counter()
            futures = [pool.submit(jobs[n : n + PER_START]) for n in range(0, count, PER_START)]
            results = [result for future in futures for result in future.result()]
            each = (time.perf_counter() - start) / count
            name = f"nianbao, {pool.jobs} converter{'s' if pool.jobs > 1 else ''}, each PDF checked"
        wrong += sum(result.content is None for result in results)
        rows.append((name, number(each), f"{single.median / each:.1f}"))
    said = subprocess.run([office, "--version"], capture_output=True, text=True, check=False).stdout
    head = (f"PDF, one of {count} reports", "s", "times as fast as one start each")
    foot = f"{said.split(' 40(')[0].strip()}; {wrong} of {2 * count} PDFs without pages or the agency's name."
    return f"{markdown_table(head, rows)}\n\n{foot}", wrong


def one_start(office: str, docx: bytes, profile: str) -> float:
    """Return the seconds of `soffice --convert-to pdf` on one file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.docx"
        file.write_bytes(docx)
        command = [office, f"-env:UserInstallation={Path(profile).as_uri()}", "--headless"]
        command += ["--convert-to", "pdf", "--outdir", folder, str(file)]
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
