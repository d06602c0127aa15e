"""Bytes to text, and the delimiter of delimited text.

Encodings: UTF-8 with or without a byte order mark, UTF-16 with one, GB18030 (which holds GBK and
GB2312). A text in GB18030 that happens to be valid UTF-8 cannot be told from UTF-8; it takes a
text of very few characters to be so.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from nianbao.readers.trouble import trouble

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DELIMITERS = "\t,;"
_SAMPLE = 1 << 16
_RECORDS = 50


def decode(data: bytes, path: Path) -> str:
    """Return the text of a file.

    Raises InputError for bytes that are no text in any of the encodings, and for a NUL.
    """
    text = _decode(data, final=True)
    if text is None:
        raise trouble(path, "文字编码无法识别，请用Excel或记事本打开后，以UTF-8编码另存")
    if "\0" in text:
        raise trouble(path, "文本中有空字符（NUL），不是正常的文本文件，请以UTF-8编码重新导出")
    return text


def decoded_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file without their ends; one in UTF-8 is never in memory as a whole.

    Raises InputError as `decode` does, before the first line.
    """
    if not _is_utf8(path):
        yield from decode(path.read_bytes(), path).split("\n")
        return
    with path.open("rb") as stream:
        for number, line in enumerate(stream):
            text = line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
            yield text.decode().removesuffix("\n")


def _is_utf8(path: Path) -> bool:
    """Return whether a file is text in UTF-8 without a NUL."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            while piece := stream.read(_SAMPLE):
                if b"\0" in piece:
                    return False
                decoder.decode(piece)
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            return False
    return True


def decode_head(head: bytes) -> str | None:
    """Return the text of the first bytes of a file, or None where they are no text."""
    text = _decode(head, final=False)
    if text is None or "\0" in text:
        return None
    strange = sum(char < " " and char not in "\t\n\v\f\r\x1a\x1b" for char in text)
    return None if strange * 200 > len(text) else text


def _decode(data: bytes, *, final: bool) -> str | None:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _try(data[len(mark) :], name, final=final)
    text = _try(data, "utf-8", final=final)
    if text is not None or _is_damaged_utf8(data):
        return text
    return _try(data, "gb18030", final=final)


def _try(data: bytes, encoding: str, *, final: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data, final)
    except UnicodeDecodeError:
        return None


def _is_damaged_utf8(data: bytes) -> bool:
    """Return whether data that is not UTF-8 is so nearly: GB18030 would take it and print nonsense."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        start = max(0, error.start - _SAMPLE)
        text = data[start : error.start + _SAMPLE].decode("utf-8", "replace")
        bad = text.count("\ufffd")
        good = sum(char > "\x7f" for char in text) - bad
        return good > 3 * bad
    return False


def marked_delimiter(text: str) -> str | None:
    """Return the delimiter that a first line such as ``sep=;`` states, as Excel writes it."""
    line = text[:8].splitlines()[0] if text else ""
    return line[4] if len(line) == 5 and line[:4].lower() == "sep=" else None


def guess_delimiter(text: str, *, whole: bool = True) -> tuple[str | None, bool]:
    """Return the likeliest delimiter of `text`, and whether every record agrees with it.

    `whole` is false where `text` is only the beginning of a file.
    """
    best: tuple[float, int, str | None, bool] = (0.0, 0, None, False)
    for delimiter in _DELIMITERS:
        records = _records(text, delimiter, whole=whole)
        widths = Counter(len(record) for record in records if len(record) > 1)
        if not widths:
            continue
        width, number = max(widths.items(), key=lambda item: (item[1], item[0]))
        share = number / len(records)
        # Two lines with one comma each are found in any prose.
        agrees = share == 1 and len(records) > 1 and (delimiter == "\t" or width + len(records) > 4)
        best = max(best, (share, width, delimiter, agrees), key=lambda item: item[:2])
    return best[2], best[3]


def _records(text: str, delimiter: str, *, whole: bool) -> list[list[str]]:
    records: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            records.append(record)
            if len(records) == _RECORDS:
                break
    except csv.Error:
        pass  # what was read up to there is enough for a guess
    if not whole and 1 < len(records) < _RECORDS:
        records.pop()  # cut off in the middle
    return [record for record in records if any(field.strip() for field in record)]
