"""The findings of a report as the page tells them: a list beside the report, and marks for its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nianbao.findings import SEVERITIES, Finding, Suspect
from nianbao.outputs.results.words import LEVELS, Words, spot_words, value_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pipeline import CheckResult

# How a cell looks; the gravest of several counts.
Level = Literal["error", "warning", "suspect", "possible", "info"]
ORDER: Mapping[str, int] = {
    level: number for number, level in enumerate(("error", "warning", "suspect", "possible", "info"))
}
_MOST_SUSPECTS = 12


@dataclass(frozen=True)
class Note:
    """One line of the list beside the report; `fields` are its cells, the first is jumped to.

    `proposals` are the values that the fields should have, as far as it proposes any.
    """

    number: int
    level: Level
    word: str
    place: str
    message: str
    fields: tuple[str, ...]
    spot: str = ""
    expected: str = ""
    found: str = ""
    advice: str = ""
    proposals: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Notes:
    """All notes of a report: of its findings, then of the cells that may be the cause of violated sums."""

    findings: tuple[Note, ...]
    suspects: tuple[Note, ...]
    more: int = 0

    @property
    def all(self) -> tuple[Note, ...]:
        """Both kinds."""
        return (*self.findings, *self.suspects)


def notes_of(result: CheckResult, words: Words) -> Notes:
    """Return the notes of a checked report, the gravest first, each with a number of its own."""
    ordered = sorted(result.findings, key=lambda f: (f.waiver is not None, SEVERITIES.index(f.severity)))
    findings = tuple(_finding_note(n, finding, words) for n, finding in enumerate(ordered, 1))
    suspects = next((finding.suspects for finding in ordered if finding.suspects), ())
    shown = tuple(_suspect_notes(len(findings) + 1, suspects[:_MOST_SUSPECTS], result, words))
    return Notes(findings, shown, max(0, len(suspects) - _MOST_SUSPECTS))


def first_problem(result: CheckResult) -> str:
    """Return the gravest finding in one sentence; nothing for a report that needs no attention."""
    for severity in ("error", "warning"):
        for finding in result.findings:
            if finding.severity == severity and finding.waiver is None:
                return visible(finding.message)
    return ""


def _finding_note(number: int, finding: Finding, words: Words) -> Note:
    place = words.place(finding)
    message = visible(finding.message).removeprefix(place).lstrip("：") or visible(finding.message)
    cells = finding.fields or ((finding.field,) if finding.field else ())
    proposals = None
    if finding.expected is not None and finding.field and not finding.suspects:
        proposals = {finding.field: value_words(finding.expected)}
    waived = finding.waiver is not None
    return Note(
        number,
        "info" if waived else finding.severity,
        "已说明" if waived else LEVELS[finding.severity],
        place,
        message,
        cells,
        spot_words(finding.where),
        # Where other cells may be the cause, "it should be" would speak against them.
        "" if finding.suspects else value_words(finding.expected),
        value_words(finding.actual),
        finding.waiver.words if finding.waiver else "",
        None if waived else proposals,
    )


def _suspect_notes(
    number: int, suspects: Sequence[Suspect], result: CheckResult, words: Words
) -> Iterator[Note]:
    """Yield the ways to mend the sums, best first; those that the rules cannot tell apart are all likely."""
    fields = words.pack.fields
    for index, suspect in enumerate(suspects):
        best = suspects[0]
        likely = index == 0 or (best.group is not None and suspect.group == best.group)
        changes = {path: value for path, value in suspect.changes.items() if value is not None}
        now = {path: value_words(result.report.value(path)) or "空" for path in changes}
        lines = [f"{fields.place(p)}：现为{now[p]}，应为{value_words(v)}" for p, v in changes.items()]
        place = "、".join(fields.place(path) for path in list(suspect.changes)[:3])
        if len(suspect.changes) > 3:
            place += f"等{len(suspect.changes)}格"
        yield Note(
            number + index,
            "suspect" if likely else "possible",
            "最可能" if likely else "也可能",
            visible(place),
            visible((suspect.reason if index == 0 else "") or "；".join(lines) or suspect.reason),
            tuple(suspect.changes),
            spot="、".join(spot_words(result.report.where(path)) for path in list(suspect.changes)[:3]),
            proposals={path: value_words(value) for path, value in changes.items()},
        )
