"""Word files as PDF through LibreOffice: many files a start, several at once, each checked.

A file that makes LibreOffice hang or die costs itself only: it is tried again alone, the others go on in a
new start.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from types import TracebackType
from typing import Self

from nianbao.outputs.pdf.check import check_pdf, require_pdfium
from nianbao.outputs.pdf.office import Run, convert_files, find_office, write_profile
from nianbao.outputs.pdf.source import for_office

# A start serves so many files: long enough to be worth it, short enough that nothing piles up.
PER_START = 64
TIMEOUT = 60.0


@dataclass(frozen=True)
class PdfJob:
    """A Word file to convert; one of `words` must stand in the PDF, unless there are none."""

    docx: bytes
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class PdfResult:
    """A PDF, or the reason why there is none."""

    content: bytes | None
    problem: str = ""


class PdfPool:
    """Converters that work side by side, each with a profile of its own in a folder that is removed.

    `jobs` is how many, 0 for one a processor; `timeout` is how many seconds one file may take. Raises
    OutputError where LibreOffice is not installed.
    """

    def __init__(self, jobs: int = 0, timeout: float = TIMEOUT) -> None:
        self._office = find_office()
        require_pdfium()
        self._stop = Event()
        self.timeout = timeout
        self.jobs = jobs or os.cpu_count() or 1
        self._folder = Path(tempfile.mkdtemp(prefix="nianbao-pdf-"))
        self._profiles: SimpleQueue[Path] = SimpleQueue()
        for number in range(self.jobs):
            self._profiles.put(self._folder / f"profile{number}")
        self._threads = ThreadPoolExecutor(self.jobs, "nianbao-pdf")

    def submit(self, jobs: Sequence[PdfJob]) -> Future[list[PdfResult]]:
        """Return the future of what becomes of some files, in their order."""
        return self._threads.submit(self._convert, list(jobs))

    def _convert(self, jobs: list[PdfJob]) -> list[PdfResult]:
        profile = self._profiles.get()
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            files = [folder / f"{number:05d}.docx" for number in range(len(jobs))]
            for file, job in zip(files, jobs, strict=True):
                file.write_bytes(for_office(job.docx))
            made, problems = self._all(profile, files, folder)
            return [
                _result(made.get(f), problems.get(f, ""), job) for f, job in zip(files, jobs, strict=True)
            ]
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._profiles.put(profile)

    def _all(
        self, profile: Path, files: Sequence[Path], folder: Path
    ) -> tuple[dict[Path, Path], dict[Path, str]]:
        """Return the PDFs of all files that can be converted, and what is wrong with the others."""
        made: dict[Path, Path] = {}
        alone: list[Path] = []
        waiting = list(files)
        while waiting and not self._stop.is_set():
            batch, waiting = waiting[:PER_START], waiting[PER_START:]
            run = self._start(profile, batch, folder)
            made |= run.made
            missing = [file for file in batch if file not in run.made]
            if run.stopped and missing:
                # Files are done in order: those after the first that is missing behind the last that was
                # made have not had their turn.
                turn = max((batch.index(f) for f in run.made), default=-1) + 1
                waiting = batch[turn + 1 :] + waiting
                missing = [f for f in batch[: turn + 1] if f not in run.made]
            alone += missing
        problems: dict[Path, str] = {}
        for file in alone:
            if self._stop.is_set():
                break
            run = self._start(profile, [file], folder)
            made |= run.made
            problems[file] = run.stopped or "LibreOffice没有转换出PDF"
        return made, problems

    def _start(self, profile: Path, files: Sequence[Path], folder: Path) -> Run:
        if not profile.exists():
            write_profile(profile)
        run = convert_files(self._office, profile, files, folder, self.timeout, self._stop)
        if run.stopped:
            # What a killed office leaves behind is not to be trusted.
            shutil.rmtree(profile, ignore_errors=True)
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stop.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)


def convert_docx(docx: bytes, words: Sequence[str] = (), timeout: float = TIMEOUT) -> PdfResult:
    """Return the PDF of one Word file; raises OutputError where LibreOffice is not installed."""
    with PdfPool(1, timeout) as pool:
        return pool.submit([PdfJob(docx, tuple(words))]).result()[0]


def _result(path: Path | None, problem: str, job: PdfJob) -> PdfResult:
    if path is None:
        return PdfResult(None, f"没有生成PDF：{problem}")
    content = path.read_bytes()
    wrong = check_pdf(content, job.words)
    return PdfResult(None, wrong) if wrong else PdfResult(content)
