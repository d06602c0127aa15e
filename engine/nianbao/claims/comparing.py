"""Claims held against a report: what a text states that no listed sum of the tables' fields gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from nianbao.claims.binding import Claim, claims_of
from nianbao.claims.numerals import MONEY, PERCENT, TIMES, Quantity
from nianbao.claims.sentences import Sentence
from nianbao.claims.source import ClaimReader, Figure
from nianbao.fields import FieldSet
from nianbao.findings import Value
from nianbao.report import Report
from nianbao.rules.expression import Linear, Lookup, Number

_NUMBERS = (int, Decimal)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A claim that the tables do not bear out; `message` is the pack's, its names still to be filled."""

    field: str
    message: str
    words: Mapping[str, str]
    expected: Value
    actual: Value


def contradictions(
    texts: Iterable[tuple[str, str]], report: Report, reader: ClaimReader, fields: FieldSet
) -> Iterator[Contradiction]:
    """Yield the claims of `texts` (field, text) that the figures of the report contradict; growth is none."""
    judge = _Judge(report, reader, fields)
    return _once(texts, report, reader, judge.judge)


def growth_contradictions(
    texts: Iterable[tuple[str, str]],
    report: Report,
    reader: ClaimReader,
    fields: FieldSet,
    before: Lookup,
) -> Iterator[Contradiction]:
    """Yield the growths that `texts` state and that the figures of two years do not give.

    `before` returns last year's value of a field.
    """
    judge = _Judge(report, reader, fields, before)
    moves = reader.vocabulary.moves
    # Most texts grow nothing, and need not be read again.
    growing = ((path, text) for path, text in texts if moves.search("".join(text.split())))
    return _once(growing, report, reader, judge.judge_growth)


def _once(
    texts: Iterable[tuple[str, str]],
    report: Report,
    reader: ClaimReader,
    judge: Callable[[str, Claim], Contradiction | None],
) -> Iterator[Contradiction]:
    """Yield what `judge` finds, each statement of a text once.

    A sentence that has a figure right and gives it another number as well speaks of something else there.
    """
    agency, year = report.agency, report.year
    for path, text in texts:
        opens = reader.openings.get(path, "")
        claims = [claim for claim in claims_of(text, opens, reader, agency) if _is_of(claim, year)]
        if not claims:
            continue
        judged = [(claim, judge(path, claim)) for claim in claims]
        wrong = [(claim, found) for claim, found in judged if found is not None]
        right = {(c.sentence, c.figure) for c, f in judged if f is None and not c.move} if wrong else set()
        seen: set[tuple[object, ...]] = set()
        for claim, found in wrong:
            key = (claim.figure, claim.phrase, claim.quantity, claim.move)
            doubtful = claim.figure and not claim.move and (claim.sentence, claim.figure) in right
            if key not in seen and not doubtful:
                seen.add(key)
                yield found


def _is_of(claim: Claim, year: int | None) -> bool:
    """Return whether a claim is about the year of the report."""
    if claim.base is not None and claim.base + 1 != year:
        return False
    if claim.year is None or year is None:
        return claim.year is None
    return claim.year == year or bool(claim.figure and claim.year - year in claim.figure.years)


class _Judge:
    """A report beside its claims."""

    def __init__(
        self, report: Report, reader: ClaimReader, fields: FieldSet, before: Lookup | None = None
    ) -> None:
        self.values: Lookup = report.values.get
        self.agency = report.agency
        self.reader = reader
        self.fields = fields
        self.before = before
        # A sentence that names an office and a figure of the tables speaks of what the tables do.
        self.agreed: Sentence | None = None

    def judge(self, path: str, claim: Claim) -> Contradiction | None:
        """Return what is wrong with a claim, None where it is right or cannot be told."""
        if claim.phrase is not None:
            return self._phrase(path, claim)
        figure, quantity = claim.figure, claim.quantity
        if figure is None or quantity is None or quantity.approximate or claim.move:
            return None
        if figure.is_rate:
            return self._rate(path, claim, figure, quantity)
        return self._level(path, claim, figure, quantity)

    def judge_growth(self, path: str, claim: Claim) -> Contradiction | None:
        """Return what is wrong with a growth, None where the claim is another or cannot be told."""
        figure, quantity, before = claim.figure, claim.quantity, self.before
        if not claim.move or figure is None or quantity is None or quantity.approximate or before is None:
            return None
        pairs = [(_sum(linear, self.values), _sum(linear, before)) for linear in figure.equals]
        known = [(now, then) for now, then in pairs if now is not None and then is not None]
        fell = claim.move == "down"
        if len(known) < len(pairs) or any(_grew(quantity, now, then, fell) for now, then in known):
            return None
        now, then = known[0]
        expected = _change(now, then, quantity)
        said = f"{'下降' if fell else '增长'}{quantity}"
        words = {"claimed": said, "expected": expected, "now": _shown(now), "before": _shown(then)}
        return self._contradiction(path, claim, "growth", words, expected, said)

    def _level(self, path: str, claim: Claim, figure: Figure, claimed: Quantity) -> Contradiction | None:
        unit = self.reader.units[figure.equals[0].terms[0][0]]
        if unit in MONEY and claimed.unit in MONEY:
            claimed = claimed.scaled(Decimal(MONEY[claimed.unit]) / MONEY[unit], unit)
        expected = _sum(figure.equals[0], self.values)
        if expected is None:
            return None
        for linear in figure.equals:
            exact = _sum(linear, self.values)
            if exact is not None and claimed.is_rounded(exact):
                self.agreed = claim.sentence if claimed.value else self.agreed
                return None
        kind = "scope" if self._partial(claim) and claimed.value < expected else "figure"
        words = {
            "scope": claim.scope,
            "claimed": str(claim.quantity),
            "expected": f"{_shown(expected)}{unit}",
        }
        return self._contradiction(path, claim, kind, words, _value(expected), _value(claimed.value))

    def _partial(self, claim: Claim) -> bool:
        """Return whether the sentence means an office that is not the agency itself."""
        if not claim.scope or claim.sentence is self.agreed:
            return False
        return claim.scope[-2:] != self.agency[-2:]

    def _rate(self, path: str, claim: Claim, figure: Figure, claimed: Quantity) -> Contradiction | None:
        rates = []
        for part, whole in zip(figure.equals, figure.of, strict=True):
            above, below = _sum(part, self.values), _sum(whole, self.values)
            if above is None or not below:
                return None
            rates.append(Decimal(above) * 100 / below)
        if self._partial(claim) or any(claimed.is_rounded(rate) for rate in rates):
            return None
        expected = _rounded(rates[0], claimed.step)
        words = {"claimed": str(claimed), "expected": f"{_shown(expected)}%", "parts": self._parts(figure)}
        return self._contradiction(path, claim, "rate", words, f"{_shown(expected)}%", str(claimed))

    def _parts(self, figure: Figure) -> str:
        """Return the two figures of a rate with their places."""
        sides = (figure.equals[0], figure.of[0])
        return "，".join(f"{self._place(side)}为{_shown(_sum(side, self.values))}" for side in sides)

    def _phrase(self, path: str, claim: Claim) -> Contradiction | None:
        assert claim.phrase is not None
        for linear in claim.phrase.zero:
            value = _sum(linear, self.values)
            if value:
                title = claim.phrase.title
                words = {"expected": f"{_shown(value)}", "title": title, "place": self._place(linear)}
                return self._contradiction(path, claim, "phrase", words, _value(value), title)
        return None

    def _place(self, linear: Linear) -> str:
        return "＋".join(self.fields.place(path) for path, _ in linear.terms)

    def _contradiction(
        self, path: str, claim: Claim, kind: str, words: Mapping[str, str], expected: Value, actual: Value
    ) -> Contradiction:
        named = {"text": self.fields.place(path), "sentence": claim.sentence.quote(claim.start, claim.end)}
        if claim.figure is not None:
            place = claim.figure.place or self._place(claim.figure.equals[0])
            named |= {"title": claim.figure.title, "place": place}
        return Contradiction(path, self.reader.messages[kind], {**named, **words}, expected, actual)


def _sum(linear: Linear, values: Lookup) -> Number | None:
    """Return the value of a sum of fields, None where one of them is blank."""
    total = linear.constant
    for path, factor in linear.terms:
        value = values(path)
        if not isinstance(value, _NUMBERS):
            return None
        total += value if factor == 1 else value * factor
    return total


def _grew(claimed: Quantity, now: Number, before: Number, fell: bool) -> bool:
    """Return whether a growth is what two figures give, rounded or cut."""
    change = before - now if fell else now - before
    if claimed.unit not in (PERCENT, TIMES):
        return claimed.is_rounded(change)
    if not before:
        return False
    if claimed.unit == PERCENT:
        return claimed.is_rounded(Decimal(change) * 100 / before)
    # 增长1.5倍 is written for 150 % more and for 1.5 times as much.
    return claimed.is_rounded(Decimal(change) / before) or claimed.is_rounded(Decimal(now) / before)


def _change(now: Number, before: Number, claimed: Quantity) -> str:
    """Return in words how much a figure changed, with as many digits as were claimed."""
    change = now - before
    word = "增长" if change >= 0 else "下降"
    if claimed.unit not in (PERCENT, TIMES) or not before:
        unit = "" if claimed.unit in (PERCENT, TIMES) else claimed.unit
        return f"{word}{_shown(max(change, -change))}{unit}"
    share = Decimal(change).copy_abs() * (100 if claimed.unit == PERCENT else 1) / before
    return f"{word}{_rounded(share, claimed.step):f}{claimed.unit}"


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step) if step < 1 else value.quantize(Decimal(1))


def _shown(number: Number | None) -> str:
    return "" if number is None else f"{Decimal(number):f}"


def _value(number: Number) -> Number:
    return int(number) if number == int(number) else number
