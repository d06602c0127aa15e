"""What is marked in a workbook: cells with findings, and the cells that may be the cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from nianbao.findings import Finding, Suspect, Where
from nianbao.outputs.annotation.sheetxml import Level
from nianbao.outputs.results.words import LEVELS, WAIVED, value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.pipeline import CheckResult
from nianbao.report import Report

_ORDER: Mapping[str, int] = {level: number for number, level in enumerate(get_args(Level))}
# So many ways to mend the sums are told in the comment of one cell, and so many other cells of each.
_WAYS, _OTHERS = 4, 3


@dataclass(frozen=True, slots=True)
class Mark:
    """A cell to be marked: how, and what its comment says; without a text it is merely coloured."""

    where: Where
    level: Level
    text: str = ""


def order(mark: Mark) -> int:
    """Return how grave a mark is, the gravest first."""
    return _ORDER[mark.level]


def finding_marks(finding: Finding) -> Iterator[Mark]:
    """Yield the mark of a finding, and for a block of cells one more for each further cell."""
    if finding.severity == "info":
        return
    expected = f"（应为{value_words(finding.expected)}）" if finding.expected is not None else ""
    best = finding.suspects[0] if finding.suspects else None
    if best and best.group is None and finding.field not in best.changes:
        # What the total would have to be is no advice where another cell is the likelier one.
        expected = "（疑似有误的格另标紫色）"
    text = f"{visible(finding.message)}{expected}"
    if finding.waiver is not None:
        explained = visible(finding.waiver.words.removeprefix(f"{WAIVED}："))
        yield Mark(finding.where, "explained", f"【{WAIVED}】{explained}\n{text}")
        return
    yield Mark(finding.where, finding.severity, f"【{LEVELS[finding.severity]}】{text}")


def block_marks(results: Iterable[CheckResult]) -> Iterator[Mark]:
    """Yield a mark for each further cell of a finding about a block of cells; the first one says it all."""
    for result in results:
        for finding in result.findings:
            if finding.severity != "info" and finding.waiver is None:
                for path in finding.fields[1:]:
                    if path in result.report.origins:
                        yield Mark(result.report.origins[path], finding.severity)


def suspect_marks(results: Iterable[CheckResult], pack: Pack) -> Iterator[Mark]:
    """Yield the marks of the cells whose change would mend the sums of a report, with the value of each.

    The cells of the likeliest suspect are marked most clearly: before the total that does not balance, if the
    suspect stands alone, else behind it, as the rules cannot tell which of its group is wrong.
    """
    for result in results:
        suspects = next((f.suspects for f in result.findings if f.suspects), ())
        for path, ways in _ways(suspects).items():
            if path in result.report.origins:
                yield _suspect_mark(path, ways, suspects, result.report, pack)


def _ways(suspects: Iterable[Suspect]) -> dict[str, list[Suspect]]:
    """Return for each field the suspects that would change it, best first."""
    ways: dict[str, list[Suspect]] = {}
    for suspect in suspects:
        for path in suspect.changes:
            ways.setdefault(path, []).append(suspect)
    return ways


def _suspect_mark(
    path: str, ways: list[Suspect], suspects: tuple[Suspect, ...], report: Report, pack: Pack
) -> Mark:
    best = suspects[0]
    level: Level = "possible"
    if ways[0] is best or (best.group is not None and ways[0].group == best.group):
        level = "culprit" if best.group is None else "suspect"
    if None in best.changes.values():
        # The search gave up: where something is wrong can be said once, but not what.
        first = path == next(iter(best.changes))
        return Mark(report.origins[path], "possible", f"【疑似有误】{visible(best.reason)}" if first else "")
    lines = []
    now = value_words(report.value(path))
    if ways[0] is best:
        own = f"本格应为{value_words(best.changes[path])}（现为{now}）；" if len(best.changes) > 1 else ""
        lines.append(f"【疑似有误】{own}{visible(best.reason)}")
        ways = ways[1:]
    word = "疑似有误" if level == "suspect" else "也可能"
    for suspect in ways[:_WAYS]:
        others = [p for p in suspect.changes if p != path]
        also = "、".join(
            f"「{pack.fields.place(p)}」应为{value_words(suspect.changes[p])}" for p in others[:_OTHERS]
        )
        etc = f"等{len(others)}格" if len(others) > _OTHERS else ""
        text = f"本格应为{value_words(suspect.changes[path])}（现为{now}）"
        lines.append(f"【{word}】{text}{f'，同时{also}{etc}' if also else ''}，请核对台账")
    if len(ways) > _WAYS:
        lines.append(f"（本格另有{len(ways) - _WAYS}种改法）")
    return Mark(report.origins[path], level, "\n".join(lines))


def all_marks(results: Iterable[CheckResult], pack: Pack) -> list[Mark]:
    """Return the marks of checked reports beside those of the findings' own cells."""
    results = list(results)
    return [*block_marks(results), *suspect_marks(results, pack)]
