"""PDFs with a text layer as documents: parsed in a process of its own, within limits."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nianbao.findings import Finding, Where
from nianbao.readers.documents.document import Document, Paragraph, Table, cleaned
from nianbao.readers.trouble import reading, trouble

_PARSER = Path(__file__).with_name("pdf_process.py")
# The process stops itself after 6 seconds of work; this is for a busy machine, or one without timers.
_MOST_WAIT = 30.0
_MOST_BYTES = 200 << 20
_FILES_A_PROCESS = 100
_ENDS = ("。", "！", "？", "；", "：", "”", "）")
_TROUBLES = {
    "large": "PDF页数或字数大得不像一份报告，没有读取；请只保留报告的各页",
    "time": "PDF的结构不正常，规定时间内没有读完；请用PDF阅读器打开，“打印”成新的PDF后再试",
    "memory": "PDF的结构不正常，占用内存过多，没有读完；请用PDF阅读器打开，“打印”成新的PDF后再试",
    "password": "PDF有打开密码，请取消密码后另存，再重新运行",
    "broken": "PDF已损坏或不完整，请重新下载；能用PDF阅读器打开时，请“打印”成新的PDF后再试",
    "scanned": "PDF没有文字，是扫描件；请改用原来的Word文件或网页，或先用文字识别（OCR）软件转成有文字的PDF",
}
_NOT_INSTALLED = "读PDF要用pdfplumber，请先运行：pip install 'nianbao[pdf]'；或者改用Word文件、网页"


def read_pdf(path: Path, shown: str | None = None) -> Document:
    """Return the document in a PDF; raises InputError where it has no text or goes beyond the limits."""
    if importlib.util.find_spec("pdfplumber") is None:
        raise trouble(path, _NOT_INSTALLED)
    with reading(path):
        if path.stat().st_size > _MOST_BYTES:
            raise trouble(path, _TROUBLES["large"])
        reply = _process.ask(path)
    if "error" in reply:
        raise trouble(path, _TROUBLES[reply["error"]])
    pages = reply["pages"]
    if not any(page["lines"] or page["tables"] for page in pages):
        raise trouble(path, _TROUBLES["scanned"])
    return _document(pages, shown or str(path))


def _document(pages: Sequence[Mapping[str, Any]], file: str) -> Document:
    lines = [(page["number"], line) for page in pages for line in page["lines"]]
    margins = _Margins([line for _, line in lines])
    blocks: list[Paragraph | Table] = []
    count = 0
    last: Mapping[str, Any] | None = None
    for page in pages:
        for item in sorted((*page["lines"], *page["tables"]), key=_top):
            if "cells" in item:
                count += 1
                blocks.append(_table(item, page["number"], count, file))
                last = None
            else:
                blocks.append(_paragraph(item, last, page["number"], margins, file))
                last = item
    findings = tuple(_pages_without_text(pages, file))
    return Document(tuple(blocks), Where(file), findings, wrapped=True)


def _top(item: Mapping[str, Any]) -> float:
    return float(item["top"] if "cells" in item else item["box"][1])


class _Margins:
    """The left and right edge of the text, as most of its lines have them."""

    def __init__(self, lines: Sequence[Mapping[str, Any]]) -> None:
        lefts = Counter(round(line["box"][0]) for line in lines)
        rights = Counter(round(line["box"][2] / 3) for line in lines if len(line["text"]) > 15)
        common = [x for x, n in lefts.items() if n * 10 >= max(lefts.values())] if lefts else [0]
        self.left = min(common)
        self.right = rights.most_common(1)[0][0] * 3 if rights else 10_000

    def opens(self, line: Mapping[str, Any], last: Mapping[str, Any] | None) -> bool:
        """Return whether a line begins a paragraph: it is set in, or the line before ended early."""
        size = line["size"]
        if last is None or line["box"][0] > self.left + 1.2 * size or abs(last["size"] - size) > 0.6:
            return True
        room = self.right - last["box"][2]
        ended = last["text"].endswith(_ENDS)
        return bool(room > (1.5 if ended else 12) * size)


def _paragraph(
    line: Mapping[str, Any],
    last: Mapping[str, Any] | None,
    page: int,
    margins: _Margins,
    file: str,
) -> Paragraph:
    left, top, right, bottom = line["box"]
    where = Where(file, page=page, box=(left, top, right, bottom))
    # A signature is set far in from the left, and much nearer to the right edge than a centred title.
    inset, rest = left - margins.left, margins.right - right
    aside = inset > 6 * line["size"] and inset > 2.5 * max(rest, 0)
    return Paragraph(cleaned(line["text"]), where, aside=aside, opens=margins.opens(line, last))


def _table(item: Mapping[str, Any], page: int, index: int, file: str) -> Table:
    rows: list[list[str | None]] = [[None] * item["width"] for _ in range(item["height"])]
    merged, boxes = [], {}
    for cell in item["cells"]:
        row, column = cell["row"], cell["column"]
        rows[row][column] = cleaned(cell["text"]) or None
        left, top, right, bottom = cell["box"]
        boxes[row, column] = (page, (left, top, right, bottom))
        if cell["rows"] > 1 or cell["columns"] > 1:
            merged.append((row, column, row + cell["rows"] - 1, column + cell["columns"] - 1))
    return Table(rows, tuple(merged), file, [(index, r + 1) for r in range(len(rows))], boxes)


def _pages_without_text(pages: Sequence[Mapping[str, Any]], file: str) -> Iterator[Finding]:
    empty = [p["number"] for p in pages if p["images"] and not (p["lines"] or p["tables"])]
    if empty:
        numbers = "、".join(map(str, empty[:10]))
        message = f"第{numbers}页只有图片，没有文字，没有读入；请对照原文核对"
        yield Finding("SCANNED-PAGE", "warning", None, Where(file, page=empty[0]), message)


class _Process:
    """The parser, started at the first PDF and again after a file that broke it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = self._files = 0

    def ask(self, path: Path) -> dict[str, Any]:
        """Return what the parser says of a file; one that kills the parser or gets no answer is an error."""
        with self._lock:
            if self._files >= _FILES_A_PROCESS or self._owner != os.getpid():
                self.stop()
            child = self._child or self._start()
            self._files += 1
            timer = threading.Timer(_MOST_WAIT, child.kill)
            timer.start()
            try:
                assert child.stdin is not None
                assert child.stdout is not None
                child.stdin.write(json.dumps({"path": str(path.absolute())}).encode() + b"\n")
                child.stdin.flush()
                line = child.stdout.readline()
            except BrokenPipeError:
                line = b""
            finally:
                timer.cancel()
            if not line:
                self.stop()
                return {"error": "memory"}
            reply: dict[str, Any] = json.loads(line)
            if "error" in reply:
                self.stop()
            return reply

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            # -P: the folder of the script has modules of its own named like those of the standard library.
            [sys.executable, "-P", str(_PARSER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._owner, self._files = os.getpid(), 0
        return self._child

    def stop(self) -> None:
        """End the parser, if it is ours and runs."""
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        child.wait()


_process = _Process()
atexit.register(_process.stop)
