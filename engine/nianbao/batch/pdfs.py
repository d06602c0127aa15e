"""The last step of a report that is wanted as PDF: converted in groups, beside the work on the next ones."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import islice
from pathlib import Path

from nianbao.batch.formats import SUFFIXES
from nianbao.batch.work import Done
from nianbao.findings import Finding
from nianbao.outputs.files import write_atomic
from nianbao.outputs.pdf import PER_START, PdfPool, PdfResult


def with_pdfs(done: Iterator[Done], folder: Path, pool: PdfPool) -> Iterator[Done]:
    """Yield what became of each report, in order, its PDF written. Raises OutputError."""
    waiting: deque[tuple[list[Done], Future[list[PdfResult]]]] = deque()
    for chunk in iter(lambda: list(islice(done, PER_START)), []):
        waiting.append((chunk, pool.submit([each.pdf[1] for each in chunk if each.pdf])))
        # A window bounds the memory, and keeps every converter busy.
        if len(waiting) > pool.jobs:
            yield from _written(*waiting.popleft(), folder)
    while waiting:
        yield from _written(*waiting.popleft(), folder)


def _written(chunk: list[Done], future: Future[list[PdfResult]], folder: Path) -> Iterator[Done]:
    results = iter(future.result())
    for done in chunk:
        yield _with_result(done, next(results), folder) if done.pdf else done


def _with_result(done: Done, result: PdfResult, folder: Path) -> Done:
    assert done.pdf
    line, entry = done.pdf[0], done.entry
    if result.content is None:
        message = f"{result.problem}；其余文件不受影响，请单独重试"
        findings = (*entry.findings, Finding("PDF", "error", None, entry.source, message))
        failed = replace(entry, findings=findings, errors=entry.errors + 1, status="fail", note="")
        return replace(done, entry=failed, pdf=None)
    write_atomic(folder / line.name, result.content)
    line = replace(line, sha256=hashlib.sha256(result.content).hexdigest())
    names = (*done.names, line.name)
    # It comes last of the formats, so the others are in `output` already.
    output = "、".join(filter(None, (entry.output, line.name if not entry.output else SUFFIXES["pdf"])))
    written = replace(entry, output=output)
    return replace(done, entry=written, lines=(*done.lines, line), names=names, pdf=None)
