"""The fixed checks of texts that a rule can name; each takes its words and patterns from the pack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nianbao.fields import FieldSet, generic
from nianbao.findings import Finding, Severity
from nianbao.report import Report
from nianbao.rules.expression import Condition, Expression, ExpressionError, Scope
from nianbao.values import chinese_number, compatible, is_blank, shortened

Check = Callable[[Report], Iterator[Finding]]

_YEAR = re.compile(r"(?<!\d)(\d{4})\s*年|([〇○零一二三四五六七八九]{4})年")
# A pattern that begins with a set of characters is found soonest.
_SPELLED_YEAR = re.compile(r"([〇○零一二三四五六七八九][〇○零一二三四五六七八九]{3})年")
_BRACKETED = re.compile(r"（[^（）]*）|\([^()]*\)|〔[^〔〕]*〕|《[^《》]*》|【[^【】]*】")
_SENTENCE_END = re.compile(r"[。！？；\n]")


@dataclass(frozen=True, slots=True)
class RuleText:
    """What a rule says to people: its id and title, how grave it is, its message, advice and basis.

    `part_of` names the rule of a total that speaks for this one too where both fail for the same cause.
    """

    id: str
    title: str
    severity: Severity
    message: str
    advice: str = ""
    basis: str = ""
    part_of: str = ""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> RuleText:
        """Return the texts of one ``[[rule]]`` table."""
        message = raw.get("message", f"{raw['title']}：左边{{left}}，右边{{right}}，差{{difference}}")
        rest = (raw.get(key, "") for key in ("advice", "basis", "part_of"))
        return cls(raw["id"], raw["title"], raw["severity"], message, *rest)


@dataclass(frozen=True, slots=True)
class Slip:
    """A common slip of the pen: a pattern, and what should stand there."""

    pattern: re.Pattern[str]
    right: str


def build_check(rule: RuleText, raw: Mapping[str, Any], scope: Scope, slips: Sequence[Slip]) -> Check:
    """Return the check that a rule names; raises ExpressionError or re.error for what it cannot mean."""
    name = str(raw.get("check"))
    if name not in _BUILDERS:
        raise ExpressionError(f"没有检查方法“{name}”，可用：{'、'.join(sorted(_BUILDERS))}", 1)
    for key in ("any_of", "each_of", "unless_empty", "fields", "opening", "all_of", "some_of", "later"):
        if key == "fields" or name in ("filled", "year"):
            known_fields(raw.get(key, ()), scope.fields)
    check = _BUILDERS[name](rule, raw, scope.fields, slips)
    if "when" not in raw:
        return check
    when = Expression.parse(raw["when"]).condition(scope)
    return _conditional(check, when)


def _conditional(check: Check, when: Condition) -> Check:
    def run(report: Report) -> Iterator[Finding]:
        if when(report.value) is True:
            yield from check(report)

    return run


def known_fields(paths: Sequence[Any], fields: FieldSet) -> None:
    """Raise ExpressionError for the first of `paths`, lists of paths among them, that is no field."""
    for path in paths:
        if isinstance(path, list):
            known_fields(path, fields)
        elif fields.find(path) is None:
            raise ExpressionError(f"没有这个栏目：{path}", 1)


def texts_of(report: Report, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of every text of `paths` that is not blank, items of lists each."""
    for path in paths:
        if "[]" in path:
            found = ((p, text) for p, text in report.texts if "[" in p and generic(p) == path)
            yield from ((p, text) for p, text in found if not is_blank(text))
        elif isinstance(value := report.value(path), str) and not is_blank(value):
            yield path, value


def filled_finding(
    rule: RuleText, fields: FieldSet, report: Report, field: str, words: Mapping[str, str]
) -> Finding:
    """Return the finding of a rule about a field, ``{place}`` and `words` filled into its message."""
    known = {"place": fields.place(field), **words}
    # In one go: what is filled in may itself look like a name in braces.
    message = re.sub(r"\{([\w.]+)\}", lambda m: known.get(m[1], m[0]), rule.message)
    return Finding(rule.id, rule.severity, field, report.where(field), message, basis=rule.basis)


def _filled(rule: RuleText, raw: Mapping[str, Any], fields: FieldSet, slips: Sequence[Slip]) -> Check:
    """One finding where all of `any_of` are blank, or one for each blank field of `each_of`."""
    any_of, each_of = raw.get("any_of", []), raw.get("each_of", [])
    unless_empty = raw.get("unless_empty", [])

    def check(report: Report) -> Iterator[Finding]:
        if any_of and not any(texts_of(report, any_of)):
            yield filled_finding(rule, fields, report, any_of[0], {})
        if unless_empty and not any(texts_of(report, unless_empty)):
            return
        for path in each_of:
            if not any(texts_of(report, [path])):
                yield filled_finding(rule, fields, report, path, {})

    return check


def _mentions(rule: RuleText, raw: Mapping[str, Any], fields: FieldSet, slips: Sequence[Slip]) -> Check:
    """One finding where the texts hold none of `any_of`, or not every one of `all_of`."""
    any_of = [re.compile(pattern) for pattern in raw.get("any_of", ())]
    all_of = [(pattern.split("|")[0], re.compile(pattern)) for pattern in raw.get("all_of", ())]

    def check(report: Report) -> Iterator[Finding]:
        found = list(texts_of(report, raw["fields"]))
        text = re.sub(r"\s", "", "".join(_normal(text) for _, text in found))
        # An empty section is another rule's finding.
        if not found:
            return
        missing = [name for name, pattern in all_of if not pattern.search(text)]
        if missing or (any_of and not any(pattern.search(text) for pattern in any_of)):
            yield filled_finding(rule, fields, report, raw["fields"][0], {"missing": "、".join(missing)})

    return check


def _absent(rule: RuleText, raw: Mapping[str, Any], fields: FieldSet, slips: Sequence[Slip]) -> Check:
    """One finding for each text that holds `pattern`, unless it also holds `unless`."""
    pattern = re.compile(raw["pattern"])
    unless = re.compile(raw["unless"]) if "unless" in raw else None

    def check(report: Report) -> Iterator[Finding]:
        for path, text in texts_of(report, raw["fields"]):
            if unless and unless.search(text):
                continue
            if match := pattern.search(text):
                yield filled_finding(rule, fields, report, path, {"match": _sentence(text, match)})

    return check


def _slips(rule: RuleText, raw: Mapping[str, Any], fields: FieldSet, slips: Sequence[Slip]) -> Check:
    """One finding for each slip of the pack's word list in each text."""
    # One look for any of them is sooner than one look for each.
    patterns = (pattern for slip in slips for pattern in _by_first_character(slip.pattern.pattern))
    any_slip = re.compile("|".join(f"(?:{pattern})" for pattern in patterns))

    def check(report: Report) -> Iterator[Finding]:
        if not any_slip.search("\0".join(text for _, text in report.texts)):
            return
        for path, text in report.texts:
            field = fields.find(path)
            if field is None or field.kind not in ("text", "line"):
                continue
            for slip in slips:
                if match := slip.pattern.search(text):
                    words = {"wrong": match[0], "right": match.expand(slip.right)}
                    yield filled_finding(rule, fields, report, path, words)

    return check


def _by_first_character(pattern: str) -> list[str]:
    """Return the alternatives of a pattern that begins with a set of characters, one for each of them.

    Where every alternative begins with a character, ``re`` passes over all places that hold none of these.
    """
    match = re.match(r"\[([^]\\^-]+)\](?![*+?{])", pattern)
    return [re.escape(first) + pattern[match.end() :] for first in match[1]] if match else [pattern]


def _year(rule: RuleText, raw: Mapping[str, Any], fields: FieldSet, slips: Sequence[Slip]) -> Check:
    """Findings for years that are not the report's.

    In `all_of` every year must be the report's, in `later` a later one; in each text of `some_of` at least
    one must be. In each group of `opening` every match of `period` must be, or, where there is none, one year
    of the first sentence.
    """
    period = re.compile(raw["period"])

    def check(report: Report) -> Iterator[Finding]:
        year = report.year
        if year is None:
            return
        # The first sentence and the period may both be wrong: that is one thing to mend.
        for path, wrong in {p: y for p, y in reversed(list(_wrong_years(report, raw, period, year)))}.items():
            yield filled_finding(rule, fields, report, path, {"found": str(wrong), "year": str(year)})

    return check


def _wrong_years(
    report: Report, raw: Mapping[str, Any], period: re.Pattern[str], year: int
) -> Iterator[tuple[str, int]]:
    for path, text in texts_of(report, raw.get("all_of", [])):
        yield from ((path, found) for found in _years(text)[:1] if any(y != year for y in _years(text)))
    for path, text in texts_of(report, raw.get("later", [])):
        yield from ((path, found) for found in _years(text)[:1] if found <= year)
    for group in raw.get("opening", []):
        texts = list(texts_of(report, group))
        periods = [(path, found) for path, text in texts for found in _period_years(text, period)]
        yield from ((path, found) for path, found in periods if found != year)
        if not periods and texts:
            path, text = texts[0]
            yield from _unless_named(path, _SENTENCE_END.split(text.strip(), maxsplit=1)[0], year)
    for path, text in texts_of(report, raw.get("some_of", [])):
        yield from _unless_named(path, text, year)


def _period_years(text: str, period: re.Pattern[str]) -> Iterator[int]:
    """Yield the first and last years of every period that a text states."""
    spelled = _SPELLED_YEAR.sub(lambda m: f"{chinese_number(m[1])}年", _normal(text))
    for match in period.finditer(spelled):
        yield from (int(found) for found in (match["year"], match["end"]) if found)


def _unless_named(path: str, text: str, year: int) -> Iterator[tuple[str, int]]:
    years = _years(text)
    if years and year not in years:
        yield path, years[0]


def _years(text: str) -> list[int]:
    """Return the years that a text speaks of; those in brackets, of laws and documents, do not count."""
    plain = _BRACKETED.sub("", _normal(text))
    found = (int(m[1]) if m[1] else chinese_number(m[2]) for m in _YEAR.finditer(plain))
    return [year for year in found if year is not None and 1990 <= year <= 2100]


@lru_cache(maxsize=64)
def _normal(text: str) -> str:
    # Several checks read the same text, one after another.
    return compatible(text)


def _sentence(text: str, match: re.Match[str]) -> str:
    """Return the sentence around a match, shortened."""
    start = max((m.end() for m in _SENTENCE_END.finditer(text, 0, match.start())), default=0)
    end = _SENTENCE_END.search(text, match.end())
    return shortened(text[start : end.start() if end else len(text)], 60)


_BUILDERS: Mapping[str, Callable[[RuleText, Mapping[str, Any], FieldSet, Sequence[Slip]], Check]] = {
    "filled": _filled,
    "mentions": _mentions,
    "absent": _absent,
    "slips": _slips,
    "year": _year,
}
