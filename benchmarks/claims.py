"""Text against tables: how many wrong figures in sentences are found, and how many right ones are accused.

Run from a checkout: ``python benchmarks/claims.py``. The sentences are those of ``claims.json``, written for
this; the published reports are read from the reference material, where it is at hand.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common import ROOT, machine, markdown_table
from narratives import Narrative, narratives

from nianbao.claims.binding import claims_of
from nianbao.fields import place_value
from nianbao.findings import Finding
from nianbao.pack import Pack, load_pack
from nianbao.pipeline import check, report_from_data
from nianbao.report import Report

DATA = Path(__file__).with_name("claims.json")
SHARED = Path(os.environ.get("NIANBAO_REFERENCE") or ROOT.parent / "shared")
# A number of cases or of yuan, as the published reports write it.
_NUMBER = re.compile(r"\d[\d,.]*(?=\s*(?:件|元|万元))")


@dataclass(frozen=True)
class Case:
    """A sentence beside tables, and what a careful reader says of it; `missed` where the check does not."""

    text: str
    expect: str
    table: str = "city"
    field: str = "overview.on_request.text"
    previous: str = ""
    missed: bool = False


@cache
def pack() -> Pack:
    """Return the pack whose claims are measured."""
    return load_pack("cn-ogi/2021")


def cases(name: str = "cases") -> list[Case]:
    """Return the written sentences: those that the pack's words were made with, or the unseen ones."""
    return [Case(**case) for case in json.loads(DATA.read_bytes())[name]]


@cache
def table(name: str) -> Mapping[str, Any]:
    """Return the figures of a named report, 0 where none is given."""
    raw = json.loads(DATA.read_bytes())["tables"][name]
    data: dict[str, Any] = {}
    for path in pack().fields.required_numbers:
        place_value(data, path, 0)
    for path, value in raw.items():
        items = value.items() if isinstance(value, dict) else ((None, value),)
        for key, figure in items:
            place_value(data, f"{path}.{key}" if key else path, figure)
    return data


def report(data: Mapping[str, Any], texts: Mapping[str, str]) -> Report:
    """Return a report of these figures and texts."""
    copy = json.loads(json.dumps(data))
    for path, text in texts.items():
        place_value(copy, path, text)
    return report_from_data(copy, pack())


def findings(made: Report, previous: Report | None = None) -> list[Finding]:
    """Return what the checks say of the texts of a report."""
    return [f for f in check(made, pack(), previous).findings if f.rule in ("CLAIMS", "YOY-GROWTH")]


def outcome(case: Case) -> str:
    """Return what the check says of a sentence: nothing, wrong, or scope."""
    previous = report(table(case.previous), {}) if case.previous else None
    found = findings(report(table(case.table), {case.field: case.text}), previous)
    if not found:
        return "nothing"
    return "scope" if all("统计口径" in f.message for f in found) else "wrong"


def bound(text: str, field: str, agency: str) -> bool:
    """Return whether any figure of a text is understood."""
    reader = pack().claims
    return reader is not None and any(claims_of(text, reader.openings.get(field, ""), reader, agency))


WRITTEN = ("a careful reader says", "sentences", "nothing said", "said to be wrong", "asked for scope")


def written(made: Sequence[tuple[Case, str]]) -> tuple[list[list[str]], list[tuple[Case, str]]]:
    """Return a row for each expected outcome, and the sentences of which the check says something else."""
    rows = []
    for expect in ("right", "approximate", "none", "scope", "wrong"):
        counts = Counter(said for case, said in made if case.expect == expect)
        total = sum(counts.values())
        rows.append([expect, str(total), *(str(counts[said]) for said in ("nothing", "wrong", "scope"))])
    good = {"right": "nothing", "approximate": "nothing", "none": "nothing", "scope": "scope"}
    return rows, [(case, said) for case, said in made if said != good.get(case.expect, "wrong")]


def rates(made: Sequence[Case], misses: Sequence[tuple[Case, str]]) -> list[list[str]]:
    """Return recall and false alarms over the written sentences, and how many right ones are understood."""
    wrong = [case for case in made if case.expect == "wrong"]
    clean = [case for case in made if case.expect in ("right", "approximate", "none")]
    missed = sum(case.expect == "wrong" for case, _ in misses)
    alarms = sum(case.expect in ("right", "approximate", "none") for case, _ in misses)
    right = [case for case in made if case.expect == "right"]
    known = sum(bound(c.text, c.field, str(table(c.table)["agency"])) for c in right)
    return [
        ["wrong sentences found", share(len(wrong) - missed, len(wrong))],
        ["false alarms on sentences without a mistake", share(alarms, len(clean))],
        ["right sentences of which a figure is understood", share(known, len(right))],
    ]


def share(part: int, whole: int) -> str:
    """Return a share as a count and in per cent."""
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "–"


PUBLISHED = (
    "published report",
    "characters",
    "alarms",
    "of them just",
    "figures of the tables in its text",
    "found when changed",
    "ms",
)


def published(reports: Sequence[Narrative], repeats: int = 10) -> Iterator[list[str]]:
    """Yield a row for each published report: its alarms, how many changed figures are found, the time."""
    for source in reports:
        made = report(source.figures, source.texts)
        alarms = findings(made)
        just = sum(bool(re.search(source.contradicts, f.message)) for f in alarms if source.contradicts)
        numbers = [n for n in _numbers(source) if n[2] in source.counted]
        found = sum(_found_when_changed(source, *number) for number in numbers)
        size = sum(map(len, source.texts.values()))
        counts = (size, len(alarms), just, len(numbers), found)
        yield [source.name, *map(str, counts), milliseconds(made, repeats)]


def _numbers(source: Narrative) -> Iterator[tuple[str, re.Match[str], str]]:
    for field, text in source.texts.items():
        yield from ((field, match, match[0]) for match in _NUMBER.finditer(text))


def _found_when_changed(source: Narrative, field: str, match: re.Match[str], number: str) -> bool:
    """Return whether the check says more when one number of a text is another."""
    text = source.texts[field]
    other = str(int(number) * 10 + 7)
    changed = {**source.texts, field: text[: match.start()] + other + text[match.end() :]}
    before = {f.message for f in findings(report(source.figures, source.texts))}
    return any(
        other in f.message and f.message not in before for f in findings(report(source.figures, changed))
    )


def milliseconds(made: Report, repeats: int) -> str:
    """Return the processor time of the check alone."""
    (rule,) = (c for c in pack().rules.checks if c.__qualname__.startswith("build_claim_check"))
    start = time.process_time()
    for _ in range(repeats):
        list(rule(made))
    return f"{(time.process_time() - start) * 1000 / repeats:.3f}"


def speed(repeats: int) -> list[list[str]]:
    """Return the time over texts of four lengths with a figure every 150 characters."""
    pieces = [case.text for case in cases() if case.table == "city" and not case.previous]
    plain = "坚持把公开作为常态，完善工作机制，压实各级责任，畅通办理渠道，回应群众关切，提升服务质量。" * 3
    fields = ("overview.preamble", "overview.on_request.text", "overview.management.text")
    rows = []
    for length in (0, 1000, 3000, 10_000):
        texts, size = dict.fromkeys(fields, ""), 0
        for number, piece in enumerate(pieces * 9):
            if size >= length:
                break
            texts[fields[number % 3]] += plain + piece
            size += len(plain) + len(piece)
        rows.append([str(size), milliseconds(report(table("city"), texts), repeats)])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=300, metavar="N", help="checks for each time")
    parser.add_argument("--misses", action="store_true", help="also list what the check says otherwise")
    options = parser.parse_args(arguments)
    made = [(case, outcome(case)) for case in (*cases(), *cases("unseen"))]
    rows, misses = written(made)
    shares = rates([case for case, _ in made], misses)
    parts = [
        machine(),
        markdown_table(WRITTEN, rows),
        markdown_table((f"of the {len(made)} written sentences", ""), shares),
    ]
    if reports := narratives(SHARED):
        parts.append(markdown_table(PUBLISHED, published(reports, options.repeats)))
    else:
        parts.append(f"No published reports: {SHARED} is missing.")
    parts.append(markdown_table(("characters, a figure every 150", "ms a report"), speed(options.repeats), 0))
    print("\n\n".join(parts))
    if options.misses:
        print("\n".join(f"- {case.expect}, said {said}: {case.text}" for case, said in misses))


if __name__ == "__main__":
    main()
