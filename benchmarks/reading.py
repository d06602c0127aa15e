"""Finished reports back to data: time a report for each kind of file, and a folder of all kinds by the pool.

    python benchmarks/reading.py [--files N] [--seconds S] [--jobs N] [--out FILE]

The documents are the example reports: built as Word files, and from those a web page (mammoth), a plain
text without tables (its lines), and a PDF (LibreOffice; without it there are none). The table is one file at
a time, warm, in one process; the parser of PDFs runs in a process of its own, whose processor time, starting
included, is counted too. Then the pool reads, binds and checks N files of all kinds in turn, as `nianbao
check` does; the greatest memory of the driver and of a worker is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import mammoth
from common import ROOT, machine, markdown_table, number
from docx import Document
from docx.table import Table
from docx.text.paragraph import Paragraph

from nianbao.bind import bind
from nianbao.inputs import Source
from nianbao.outputs.results.summary import entry_of
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import check, render, report_from_data
from nianbao.readers import read_raw
from nianbao.readers.documents import pdf as document_pdf
from nianbao.workers import LocalPool

REPORTS = ROOT / "examples" / "cn-ogi" / "2021" / "reports.json"
HEADER = ("kind", "files", "ms a report", "processor ms", "least–most")


def make_documents(folder: Path, pack: Pack) -> dict[str, list[Path]]:
    """Return the example reports as files of every kind, by kind."""
    found: dict[str, list[Path]] = {"docx": [], "html": [], "txt": [], "pdf": []}
    for index, data in enumerate(json.loads(REPORTS.read_text(encoding="utf-8"))):
        word = folder / f"{index}.docx"
        word.write_bytes(render(report_from_data(data, pack), pack))
        with word.open("rb") as stream:
            page = f"<!doctype html><html><body>{mammoth.convert_to_html(stream).value}</body></html>"
        (folder / f"{index}.html").write_text(page, encoding="utf-8")
        (folder / f"{index}.txt").write_text("\n".join(text_lines(word)), encoding="utf-8")
        for kind in ("docx", "html", "txt"):
            found[kind].append(folder / f"{index}.{kind}")
    found["pdf"] = pdfs(found["docx"], folder)
    return {kind: paths for kind, paths in found.items() if paths}


def text_lines(word: Path) -> Iterator[str]:
    """Yield the lines of a Word file; a row of a table is one line, its cells set apart by spaces."""
    for block in Document(str(word)).iter_inner_content():
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Table):
            for row in block.rows:
                texts: dict[Any, str] = {cell._tc: "".join(cell.text.split()) for cell in row.cells}
                yield " ".join(texts.values())


def pdfs(words: Sequence[Path], folder: Path) -> list[Path]:
    """Return the Word files as PDFs, none where LibreOffice is missing."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        return []
    command = [office, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to"]
    subprocess.run([*command, "pdf", "--outdir", folder, *words], check=True, capture_output=True)
    return [word.with_suffix(".pdf") for word in words]


def one_by_one(paths: Sequence[Path], pack: Pack, seconds: float) -> tuple[str, ...]:
    """Return a row of the table: the time to read and bind each file, several times."""
    for path in paths:
        list(read_raw(path, pack))
    walls: list[float] = []
    before = processor()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(walls) < len(paths):
        start = time.perf_counter()
        for raw in read_raw(paths[len(walls) % len(paths)], pack):
            bind(raw, pack)
        walls.append(1000 * (time.perf_counter() - start))
    document_pdf._process.stop()  # only then is its processor time known
    used = 1000 * (processor() - before) / len(walls)
    middle = statistics.median(walls)
    return (
        paths[0].suffix,
        str(len(paths)),
        number(middle),
        number(used),
        f"{min(walls):.1f}–{max(walls):.1f}",
    )


def processor() -> float:
    """Return the processor time of this process and of those that it waited for."""
    return sum(os.times()[:4])


def by_the_pool(paths: Sequence[Path], pack: Pack, jobs: int) -> str:
    """Return in words how long the pool takes for the files, and how much memory."""
    start = time.perf_counter()
    source = Source([str(path) for path in paths], pack, LocalPool(jobs))
    entries = [entry_of(check(bind(raw, pack), pack), pack) for raw in source]
    wall = time.perf_counter() - start
    own, worker = (
        resource.getrusage(k).ru_maxrss >> 10 for k in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return (
        f"{len(entries)} files of {len({p.suffix for p in paths})} kinds, read and checked by "
        f"{jobs} workers: "
        f"{wall:.1f} s, {1000 * wall / len(entries):.1f} ms a file; at most {own} MB in the driver, "
        f"{worker} MB in a worker"
    )


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--files", type=int, default=500)
    arguments.add_argument("--seconds", type=float, default=5.0, help="for each kind")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--out", type=Path)
    chosen = arguments.parse_args()
    pack = load_pack()
    with tempfile.TemporaryDirectory() as name:
        kinds = make_documents(Path(name), pack)
        rows = [one_by_one(paths, pack, chosen.seconds) for paths in kinds.values()]
        folder = Path(name) / "many"
        folder.mkdir()
        flat = [paths[i] for i in range(5) for paths in kinds.values()]
        copies = [folder / f"{i:04d}{flat[i % len(flat)].suffix}" for i in range(chosen.files)]
        for index, copy in enumerate(copies):
            shutil.copyfile(flat[index % len(flat)], copy)
        lines = [machine(), "", markdown_table(HEADER, rows), "", by_the_pool(copies, pack, chosen.jobs)]
    text = "\n".join(lines)
    print(text)
    if chosen.out:
        chosen.out.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
