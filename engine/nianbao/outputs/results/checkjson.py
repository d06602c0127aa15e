"""What ``nianbao check --format json`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nianbao.pack import Pack
from nianbao.pipeline import CheckResult


def check_json(
    results: Iterable[CheckResult],
    unreadable: Sequence[tuple[str, str]],
    pack: Pack,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the results of a check as plain JSON data; `unreadable` are (file, message).

    `more` is what else the check came to, such as the agencies that are missing beside last year.

    A report that may be built, with warnings or without, has passed.
    """
    reports: list[dict[str, Any]] = []
    waived = 0
    summary = {"reports": 0, "passed": 0, "failed": 0, "errors": 0, "warnings": 0}
    for result in results:
        reports.append(_report(result))
        summary["reports"] += 1
        summary["passed" if result.ok else "failed"] += 1
        summary["errors"] += result.errors
        summary["warnings"] += result.warnings
        waived += result.waived
    data = {
        "pack": pack.id,
        "reports": reports,
        "unreadable": [{"file": file, "message": message} for file, message in unreadable],
        "summary": {**summary, **({"waived": waived} if waived else {})},
    }
    data |= more or {}
    found: dict[str, Any] = encodable(data)
    return found


def _report(result: CheckResult) -> dict[str, Any]:
    report = result.report
    return {
        "agency": report.agency,
        "year": report.year,
        "source": report.source.as_dict(),
        "status": result.status,
        "findings": [finding.as_dict() for finding in result.findings],
    }


def encodable(data: Any) -> Any:
    r"""Return the data with lone surrogates written as \udXXX: no output can encode them.

    They come from file names that are not UTF-8, and from the bad texts that findings quote.
    """
    if isinstance(data, str):
        return data if data.isascii() else data.encode("utf-8", "backslashreplace").decode()
    if isinstance(data, dict):
        return {encodable(key): encodable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [encodable(value) for value in data]
    return data
