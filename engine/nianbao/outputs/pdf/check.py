"""Is a PDF what it should be: pages that hold the words that the report has."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from importlib.util import find_spec
from threading import Lock

from nianbao.errors import OutputError

_MISSING = "检查PDF要用pypdfium2，请运行 pip install 'nianbao[pdf]'"


def require_pdfium() -> None:
    """Raise OutputError where the library that reads PDFs is not installed."""
    if find_spec("pypdfium2") is None:
        raise OutputError(_MISSING)


# PDFium serves one thread at a time; two at once end the process.
PDFIUM = Lock()


def check_pdf(content: bytes, words: Sequence[str]) -> str:
    """Return what is wrong with a PDF, or nothing: it has pages, and one of `words` stands in it."""
    # What the inner call made of PDFium's is gone, too, before another thread may begin.
    with PDFIUM:
        return _wrong(content, words)


def _wrong(content: bytes, words: Sequence[str]) -> str:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError:
        return "生成的PDF打不开"
    try:
        if not len(document):
            return "生成的PDF没有页"
        wanted = [_plain(word) for word in words if word]
        text = ""
        for page in document:
            text += _plain(page.get_textpage().get_text_range())
            if not wanted or any(word in text for word in wanted):
                return ""
    finally:
        document.close()
    return "生成的PDF里找不到单位名称"


def _plain(text: str) -> str:
    """Return text without spaces and line breaks, radicals as the characters that they look like."""
    return "".join(unicodedata.normalize("NFKC", text).split())
