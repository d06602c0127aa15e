"""Fingerprints: one short number for all values of a report, the same wherever and however they stand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal

from nianbao.findings import Value
from nianbao.report import Report

# Sixteen hexadecimal digits are enough to tell versions apart by eye; the rest stands beside them.
_GROUP, _SHOWN = 4, 16


def fingerprint(report: Report) -> str:
    """Return the SHA-256 of all values of a report, in hexadecimal.

    Blank is as if it were not there; 163.8900 is 163.89. Order, file and format do not count.
    """
    total = hashlib.sha256()
    for line in canonical(report):
        total.update(line.encode("utf-8", "surrogatepass") + b"\0")
    return total.hexdigest()


def canonical(report: Report) -> Iterator[str]:
    """Yield the values of a report, each with its field, in one way of writing and in order."""
    for path, value in sorted(report.values.items()):
        if value is not None and value != "":
            # The length keeps a text from passing for further values.
            text = _written(value)
            kind = type(value).__name__ if isinstance(value, bool | str) else "number"
            yield f"{path}\0{kind}\0{len(text)}\0{text}"


def short(digest: str) -> str:
    """Return the beginning of a fingerprint as people compare it: 3F2A 91C0 7B4E D815."""
    return grouped(digest[:_SHOWN])


def grouped(digest: str) -> str:
    """Return a fingerprint in groups of four."""
    upper = digest.upper()
    return " ".join(upper[i : i + _GROUP] for i in range(0, len(upper), _GROUP))


def short_key(text: str) -> str:
    """Return what a fingerprint that somebody wrote is compared by."""
    return "".join(text.split()).lower()[:_SHOWN]


def _written(value: Value) -> str:
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)
