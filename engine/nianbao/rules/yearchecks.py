"""The fixed checks that set a report beside last year's; each takes its figures and words from the pack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from nianbao.claims import ClaimReader
from nianbao.fields import FieldSet
from nianbao.findings import Finding, Value
from nianbao.predecessors import Predecessors
from nianbao.report import Report
from nianbao.rules.claimchecks import build_growth_check
from nianbao.rules.expression import Expression, ExpressionError, Number, Scope
from nianbao.rules.textchecks import RuleText, filled_finding, known_fields, texts_of
from nianbao.values import compatible, shortened

_Builder = Callable[[RuleText, Mapping[str, Any], Scope, ClaimReader | None], "YearCheck"]
Run = Callable[[Report, Predecessors], Iterator[Finding]]

_SENTENCE = re.compile(r"[^。！？；\n]+[。！？；]?")
_YEAR = re.compile(r"(?<!\d)(\d{4})(?=年)")
_NUMBER = re.compile(
    r"\d+(?:\.\d+)?|[〇零一二两三四五六七八九十百千万]+(?=余?[次件人项期场个家份条篇处名轮批])"
)
_YEARS: Mapping[int, str] = {-1: "去", 0: "本", 1: "明"}
# What is said at least must have a few words of its own: 特此报告。 is nobody's copy.
_SHORTEST = 10
# Pairs of sentences that a message shows, and how much of each.
_PAIRS, _SHOWN = 2, 60


@dataclass(frozen=True)
class YearCheck:
    """A check of a report beside last year's; `fields` are those of last year that it looks at."""

    fields: frozenset[str]
    run: Run


def build_year_check(
    rule: RuleText, raw: Mapping[str, Any], scope: Scope, claims: ClaimReader | None = None
) -> YearCheck:
    """Return the check that a rule names; raises ExpressionError or re.error for what it cannot mean.

    `claims` is what reads figures in texts, for the growths that they state.
    """
    name = str(raw["check"])
    if lacking := [key for key in _NEEDED[name] if key not in raw]:
        raise ExpressionError(f"{name}缺少参数{'、'.join(lacking)}", 1)
    check = YEAR_CHECKS[name](rule, raw, scope, claims)
    if "when" not in raw:
        return check
    when = Expression.parse(raw["when"]).condition(scope)

    def run(report: Report, last: Predecessors) -> Iterator[Finding]:
        if when(report.value) is True:
            yield from check.run(report, last)

    return YearCheck(check.fields, run)


# ---- figures that jump ----


@dataclass(frozen=True, slots=True)
class _Jump:
    """How far two figures are apart, and which way."""

    before: Number
    after: Number

    @property
    def up(self) -> bool:
        return self.after > self.before

    def is_far(self, times: Number, least: Number) -> bool:
        """Return whether the larger is `least` or more and so many times the smaller; 0 counts as 1."""
        small, large = sorted((self.before, self.after))
        return large >= least and large >= times * max(small, 1)

    @property
    def words(self) -> str:
        """变动17倍; from or to nothing there is no ratio."""
        small, large = sorted((self.before, self.after))
        if not small:
            return "上年为0" if self.up else "今年为0"
        return f"变动{(Decimal(large) / Decimal(small)).quantize(Decimal(1), ROUND_HALF_UP)}倍"


def _jump(rule: RuleText, raw: Mapping[str, Any], scope: Scope, _: ClaimReader | None) -> YearCheck:
    """One finding for each figure that is `times` last year's or more, or as much less.

    A list among `figures` is a group: where its first figure jumps, the others move with it and are not told.
    """
    groups = [group for item in raw["figures"] for group in _groups(item, scope)]
    times, least = _exact(raw["times"]), _exact(raw["least"])

    def jump(report: Report, last: Predecessors, path: str) -> _Jump | None:
        before, after = _number(last.value(path)), _number(report.value(path))
        if before is None or after is None or (before < least and after < least):
            return None
        found = _Jump(before, after)
        return found if found.is_far(times, least) else None

    def run(report: Report, last: Predecessors) -> Iterator[Finding]:
        for group in groups if last.comparable else ():
            head = jump(report, last, group[0])
            found = {group[0]: head} if head else {path: jump(report, last, path) for path in group}
            for path, far in found.items():
                if far is not None:
                    words = {
                        "before": _written(far.before),
                        "after": _written(far.after),
                        "change": far.words,
                    }
                    finding = _finding(rule, scope.fields, report, path, words, last)
                    yield replace(finding, actual=far.after)

    return YearCheck(frozenset(path for group in groups for path in group), run)


def _groups(item: str | Sequence[str], scope: Scope) -> list[list[str]]:
    """Return the groups that an item means, sets expanded: a list is one group, other figures stand alone."""
    texts = [item] if isinstance(item, str) else item
    paths = [path for text in texts for path in Expression.parse(text).paths(scope)]
    for path in paths:
        field = scope.fields.find(path)
        if field is None or not field.is_number:
            raise ExpressionError(f"figures 里应是数字栏目：{path}", 1)
    return [[path] for path in paths] if isinstance(item, str) else [paths]


def _exact(number: float) -> Number:
    """Return a number of the pack as it is written; whole ones, which are compared soonest, as int."""
    return number if isinstance(number, int) else Decimal(str(number))


def _number(value: Value) -> Number | None:
    # Nearly all figures are counts.
    if type(value) is int:
        return value
    return value if isinstance(value, Decimal) else None


def _written(number: Number) -> str:
    return f"{number:f}" if isinstance(number, Decimal) else str(number)


# ---- growths that texts state ----


def _growth(rule: RuleText, raw: Mapping[str, Any], scope: Scope, claims: ClaimReader | None) -> YearCheck:
    """One finding for each growth in a text that the figures of the two years do not give."""
    check = build_growth_check(rule, raw, scope, claims)

    def run(report: Report, last: Predecessors) -> Iterator[Finding]:
        for finding in check(report, last.value) if last.comparable else ():
            yield replace(finding, message=f"{finding.message}（上年数见{last.source()}）")

    return YearCheck(frozenset(), run)


# ---- texts that are last year's ----


class _Sentence(NamedTuple):
    """A sentence as it stands, and as it is compared: without spaces, years as seen from its report's."""

    text: str
    plain: str

    @property
    def numbers(self) -> list[str]:
        return _NUMBER.findall(self.plain)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A sentence of this year and the one of last year that it is like, and how much of it is the same."""

    now: _Sentence
    before: _Sentence
    share: float


def _similar(rule: RuleText, raw: Mapping[str, Any], scope: Scope, _: ClaimReader | None) -> YearCheck:
    """One finding for each text of `fields` of which `share` or more are last year's sentences.

    Two sentences are the same from `alike` on, unless their figures differ: then somebody has updated them.
    Sentences with `ignore` are those that every report has; texts with less than `least` characters beside
    them say too little to be called copied.
    """
    known_fields(raw["fields"], scope.fields)
    # One by one they are found sooner than as alternatives: ``re`` knows what each begins with.
    ignore = [re.compile(pattern) for pattern in raw.get("ignore", ())]
    share, alike, least = float(raw["share"]), float(raw.get("alike", 0.85)), int(raw["least"])

    def run(report: Report, last: Predecessors) -> Iterator[Finding]:
        pool = {
            sentence.plain: sentence
            for other in last.reports
            for _, text in texts_of(other, raw["fields"])
            for sentence in _sentences(text, other.year, ignore)
        }
        for path, text in texts_of(report, raw["fields"]) if pool else ():
            sentences = list(_sentences(text, report.year, ignore))
            total = sum(len(s.plain) for s in sentences)
            pairs = _copied(sentences, pool, alike, total * (1 - share)) if total >= least else []
            same = sum(len(pair.now.plain) * pair.share for pair in pairs) / max(total, 1)
            if same >= share:
                words = {"share": f"{int(same * 100)}%", "count": f"{len(pairs)}", "pairs": _shown(pairs)}
                yield _finding(rule, scope.fields, report, path, words, last)

    return YearCheck(frozenset(raw["fields"]), run)


def _copied(
    sentences: Iterable[_Sentence], pool: Mapping[str, _Sentence], alike: float, own: float
) -> list[_Pair]:
    """Return the sentences that last year has too; none as soon as more than `own` characters are new."""
    pairs = []
    for sentence in sentences:
        if pair := _counterpart(sentence, pool, alike):
            pairs.append(pair)
        else:
            own -= len(sentence.plain)
            if own < 0:
                return []
    return pairs


def _sentences(text: str, year: int | None, ignore: Sequence[re.Pattern[str]]) -> Iterator[_Sentence]:
    """Yield the sentences of a text that say something of their own."""
    for match in _SENTENCE.finditer(text):
        plain = "".join(compatible(match[0]).split())
        if len(plain) >= _SHORTEST and not any(pattern.search(plain) for pattern in ignore):
            if "年" in plain:
                plain = _YEAR.sub(lambda m: _relative(int(m[1]), year), plain)
            yield _Sentence(match[0].strip(), plain)


def _relative(named: int, year: int | None) -> str:
    """Return a year as it is seen from the report's: next year is next year in both reports."""
    return _YEARS.get(named - year, f"{named}") if year else f"{named}"


def _counterpart(sentence: _Sentence, pool: Mapping[str, _Sentence], alike: float) -> _Pair | None:
    """Return the sentence of last year that this one repeats, or None."""
    if sentence.plain in pool:
        return _Pair(sentence, pool[sentence.plain], 1.0)
    from rapidfuzz import fuzz, process

    found = process.extractOne(sentence.plain, pool.keys(), scorer=fuzz.ratio, score_cutoff=100 * alike)
    if found is None or pool[found[0]].numbers != sentence.numbers:
        return None
    return _Pair(sentence, pool[found[0]], found[1] / 100)


def _shown(pairs: Sequence[_Pair]) -> str:
    """Return the longest pairs, sentence beside sentence."""
    longest = sorted(pairs, key=lambda pair: -len(pair.now.plain))[:_PAIRS]
    return "；".join(
        f"今年“{shortened(pair.now.text, _SHOWN)}”，上年“{shortened(pair.before.text, _SHOWN)}”"
        for pair in longest
    )


def _finding(
    rule: RuleText,
    fields: FieldSet,
    report: Report,
    path: str,
    words: Mapping[str, str],
    last: Predecessors,
) -> Finding:
    """Return the finding with the place of last year's value in its words."""
    return filled_finding(rule, fields, report, path, {**words, "source": last.source(path)})


_NEEDED: Mapping[str, Sequence[str]] = {
    "jump": ("figures", "times", "least"),
    "similar": ("fields", "share", "least"),
    "growth": ("fields",),
}
YEAR_CHECKS: Mapping[str, _Builder] = {
    "jump": _jump,
    "similar": _similar,
    "growth": _growth,
}
