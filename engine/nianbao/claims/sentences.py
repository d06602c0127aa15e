"""The sentences of a text in which something is counted, in a form that patterns can be matched on."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_END = re.compile(r"[。！？\n]")
# A line of so many characters that ends in the middle of a sentence was wrapped: the sentence goes on.
_WRAPPED = 20
_NUMERALS = "0-9０-９〇零一二两三四五六七八九十百千万亿"
_LOOKALIKE = re.compile("[\u2e80-\u2fdf]")


def _half_width() -> dict[int, str]:
    """Return every character that NFKC turns into one other, as far as Chinese texts use it."""
    ranges = (range(0x2E80, 0x2FE0), range(0x3000, 0x3040), range(0xFF01, 0xFF5F))
    pairs = ((code, unicodedata.normalize("NFKC", chr(code))) for codes in ranges for code in codes)
    return {code: plain for code, plain in pairs if len(plain) == 1}


_PLAIN = _half_width()
# Nearly all full-width forms of a sentence are these; to replace them is sooner than to translate.
_MARKS = tuple(zip("，；：（）％", ",;:()%", strict=True))
_FULL_WIDTH = re.compile("[\uff01-\uff5e\u2e80-\u2fdf]")


class Sentence(NamedTuple):
    """A sentence without white space: as it was written, and without full-width forms."""

    written: str
    plain: str

    def quote(self, start: int, end: int, limit: int = 80) -> str:
        """Return the sentence, or so much of it around a span of `plain` as `limit` allows."""
        written = self.written
        if len(written) <= limit:
            return written
        left = max(0, min(start - (limit - (end - start)) // 2, len(written) - limit))
        cut = written[left : left + limit]
        return f"{'…' if left else ''}{cut}{'…' if left + limit < len(written) else ''}"


def _ends(text: str) -> list[int]:
    """Return where the sentences of a text end."""
    if "\n" not in text:
        return [match.end() for match in _END.finditer(text)]
    ends: list[int] = []
    line = 0
    for match in _END.finditer(text):
        end = match.end()
        if text[end - 1] != "\n" or end - 1 - line < _WRAPPED or text[end - 2] in "。！？":
            ends.append(end)
        line = end
    return ends


def counted(units: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of a numeral with one of `units`, in raw text; what it misses counts nothing."""
    first = "".join(sorted({unit[0] for unit in units} | {"万", "亿"}))
    # One set of characters to begin with is looked for many times sooner than alternatives; 百 is a numeral.
    return re.compile(rf"[{_NUMERALS}](?:\s*[余多几来]?[个]?[{re.escape(first)}％]|(?<=百)分之)")


def sentences(text: str, pattern: re.Pattern[str], needles: Sequence[str]) -> Iterator[Sentence]:
    """Yield the sentences of `text` that match `pattern` or hold one of `needles`."""
    if _LOOKALIKE.search(text):
        text = text.translate(_PLAIN)
    hits = {match.start() for match in pattern.finditer(text)}
    for needle in needles:
        at = text.find(needle)
        while at >= 0:
            hits.add(at)
            at = text.find(needle, at + 1)
    if not hits:
        return
    ends = _ends(text)
    for index in sorted({bisect_right(ends, hit) for hit in hits}):
        start = ends[index - 1] if index else 0
        original = text[start : ends[index] if index < len(ends) else len(text)]
        written = "".join(original.split())
        yield Sentence(written, plain(written))


def plain(text: str) -> str:
    """Return a text with full-width forms made half-width, one for one."""
    for full, half in _MARKS:
        text = text.replace(full, half)
    return text.translate(_PLAIN) if _FULL_WIDTH.search(text) else text
