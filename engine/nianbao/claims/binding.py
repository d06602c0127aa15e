"""From tokens to claims: each number of a sentence is bound to the figure that it counts, or left alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from nianbao.claims.numerals import MONEY, PERCENT, POINTS, TIMES, Quantity
from nianbao.claims.sentences import Sentence, sentences
from nianbao.claims.source import ClaimReader, Figure, Phrase
from nianbao.claims.words import Token

Move = Literal["", "up", "down"]
_UNCLAIMED = frozenset({"void", "other"})
_COMPARED = frozenset({"compare", "up", "down"})
_ENDING = frozenset({"break", "stop", "void", *_COMPARED})
# What says nothing of later numbers.
_NAMES = frozenset({"topic", "figure"})
_LOCAL = frozenset({"figure", "and", "stop", "among", "void", "up", "down", "filler"})
_After = tuple[list[Token] | None, bool]


class Claim(NamedTuple):
    """A figure that a sentence states: how much, of which year (None: not said), for which office.

    `move` makes it a growth over the year before, or over the year `base`; a `phrase` states that something
    is 0.
    """

    sentence: Sentence
    start: int
    end: int
    figure: Figure | None = None
    quantity: Quantity | None = None
    phrase: Phrase | None = None
    year: int | None = None
    scope: str = ""
    move: Move = ""
    base: int | None = None


@dataclass(slots=True)
class _Context:
    """What earlier words of a sentence say about later numbers."""

    topic: str
    year: int | None = None
    named_year: bool = False
    past: bool = False
    total: bool = False
    plan: bool = False
    part: bool = False
    scope: str = ""
    base: int | None = None
    compared: bool = False

    @property
    def doubtful(self) -> bool:
        """Return whether a number here is not the report's figure, whatever it counts."""
        return self.plan or self.part or self.past or self.total

    def take(self, token: Token) -> None:
        """Let a token change the context."""
        kind, compared = token.kind, self.compared
        self.compared = kind == "compare"
        if kind in _LOCAL:
            return
        if kind == "topic" and token.word:
            self.topic = token.word.topic
        elif kind == "other":
            self.topic = ""
        elif kind == "year" and compared:
            # 比2023年: not the year that is spoken of.
            self.base = token.year
        elif kind == "year":
            self.year, self.named_year, self.past = token.year, True, False
        elif kind == "compare":
            self.base = None
        elif kind == "now":
            self.year, self.named_year, self.past = None, True, False
        elif kind == "past":
            self.past = True
        elif kind == "whole_year":
            self.past = False
        elif kind == "total":
            self.total = not self.named_year
        elif kind == "plan":
            self.plan = True
        elif kind == "part":
            self.part = True
        elif kind in ("scope", "whole"):
            self.scope = token.text if kind == "scope" else ""


def claims_of(text: str, topic: str, reader: ClaimReader, agency: str = "") -> Iterator[Claim]:
    """Yield the claims of a text that speaks of `topic` from the start; `agency` needs no explanation."""
    context: _Context | None = None
    # Most texts and sentences hold none.
    holds_needle = reader.any_needle.search
    needles = [needle for needle in reader.needles if needle in text] if holds_needle(text) else []
    phrases = [phrase for phrase in reader.phrases if needles and not phrase.needles.isdisjoint(needles)]
    for sentence in sentences(text, reader.counted, needles):
        plain = sentence.plain
        known = topic or (context and context.topic)
        if not known and not any(stem in plain for stem in reader.stems):
            continue
        tokens = reader.vocabulary.tokens(plain)
        # A sentence of parts goes on with the last one; the office that is meant stays until another is.
        if context is None or tokens[0].kind != "among":
            context = _Context(topic, scope=context.scope if context else "")
        said = phrases if phrases and holds_needle(plain) else ()
        yield from _Walk(reader, sentence, context, agency).claims(tokens, said)


class _Walk:
    """One sentence, clause by clause."""

    def __init__(self, reader: ClaimReader, sentence: Sentence, context: _Context, agency: str) -> None:
        self.reader = reader
        self.sentence = sentence
        self.context = context
        self.agency = agency
        # The last claim and the clause in which it stood: what a growth is a growth of.
        self.last: tuple[int, Claim] | None = None
        # The last clause with a number that nothing is known of: its words may go for the next as well.
        self.unclear = -1

    def claims(self, tokens: Sequence[Token], phrases: Sequence[Phrase]) -> Iterator[Claim]:
        """Yield the claims of the sentence, with numbers and without (`phrases`)."""
        context, left = self.context, list[Token]()
        index, opener, first, named, listed = 0, "", True, False, False
        shown: list[tuple[int, bool, int | None]] = []
        for at, token in enumerate(tokens):
            kind = token.kind
            if token.gap and len(token.gap) > 1 and token.gap in self.agency:
                token = token._replace(gap="")
            if kind == "break":
                if phrases:
                    shown.append((token.end, context.doubtful or bool(context.scope), context.year))
                if token.text == ";":
                    context.part, self.unclear = False, -1
                listed = first and named
                index, opener, first, named, left = index + 1, token.text, True, False, []
            elif kind == "number":
                # A list before the number: it counts them together.
                alone = not (listed and first and opener == "、")
                claim = self._number(index, left, token, _after(tokens, at + 1)) if alone else None
                self.last = (index, claim) if claim else None
                self.unclear = self.unclear if claim else index
                if claim:
                    yield claim
                left, first, named = [], False, False
            else:
                context.take(token)
                left.append(token)
                named = named or kind in _NAMES
        if phrases:
            yield from self._phrases(phrases, shown)

    def _number(self, index: int, left: list[Token], number: Token, rest: _After) -> Claim | None:
        """Return the claim that a number is, or None where any word around it leaves a doubt."""
        context, quantity = self.context, number.quantity
        if quantity is None or number.gap or context.doubtful or any([token.gap for token in left]):
            return None
        kinds = {token.kind for token in left}
        if not kinds.isdisjoint(_UNCLAIMED):
            return None
        if not kinds.isdisjoint(_COMPARED):
            return self._growth(index, left, number, quantity)
        topic = context.topic
        after, followed = rest
        names = [token for token in left if token.kind == "figure"] if "figure" in kinds else []
        if not (names and followed):
            # What follows the number is read as well; a figure before the next number is that one's.
            if after is None:
                return None
            right_topics = []
            for token in after:
                if token.kind == "other":
                    return None
                if token.kind == "topic" and token.word:
                    right_topics.append(token.word.topic)
                elif token.kind == "figure" and not followed:
                    names.append(token)
            if right_topics and "topic" in kinds:
                return None
            topic = right_topics[0] if right_topics else topic
        if not names and self.unclear >= index - 1 >= 0:
            return None
        figure = self._figure(topic, names, left, after or ())
        if figure is None or not self._fits(figure, quantity, topic, bool(names)):
            return None
        if figure.unless and figure.unless.search(self.sentence.plain):
            return None
        return self._claim(number, figure, quantity)

    def _figure(
        self, topic: str, names: Sequence[Token], left: Sequence[Token], after: Sequence[Token]
    ) -> Figure | None:
        """Return the one figure that the words name."""
        if topic not in self.reader.topics or _joined(left):
            return None
        if not names:
            # The bare name of a topic counts its total, unless it is a part of something.
            beside = any(token.kind == "topic" for token in (*left, *after))
            partial = any(token.kind == "among" for token in left)
            name = self.reader.topics[topic].default
            return self.reader.figures[topic, name] if name and beside and not partial else None
        named = {token.word.figures.get(topic) for token in names if token.word and token.word.figures}
        name = named.pop() or ""
        return None if named else self.reader.figures.get((topic, name))

    def _fits(self, figure: Figure, quantity: Quantity, topic: str, named: bool) -> bool:
        if figure.is_rate or quantity.unit == PERCENT:
            return figure.is_rate and quantity.unit == PERCENT
        money = self.reader.units[figure.equals[0].terms[0][0]] in MONEY
        known = self.reader.topics[topic]
        return quantity.unit in (MONEY if money else known.units if named else known.plain)

    def _growth(self, index: int, left: list[Token], number: Token, quantity: Quantity) -> Claim | None:
        """Return the growth that a number is: of what its clause names, or of the claim just before."""
        up, down = (any(token.kind == kind for token in left) for kind in ("up", "down"))
        if up == down:
            return None
        names = [token for token in left if token.kind == "figure"]
        topics = [token.word.topic for token in left if token.kind == "topic" and token.word]
        if names:
            figure = self._figure(self.context.topic, names, left, ())
        elif topics:
            topic = self.reader.topics.get(self.context.topic)
            figure = self.reader.figures.get((topic.id, topic.growth)) if topic else None
        else:
            figure = self.last[1].figure if self.last and self.last[0] >= index - 1 else None
        if figure is None or figure.is_rate or self.context.scope:
            return None
        units = {PERCENT, TIMES, *self.reader.topics[figure.topic].units}
        if quantity.unit not in units or quantity.unit == POINTS:
            return None
        return self._claim(number, figure, quantity, "up" if up else "down")

    def _claim(self, number: Token, figure: Figure, quantity: Quantity, move: Move = "") -> Claim:
        context = self.context
        return Claim(
            self.sentence,
            number.start,
            number.end,
            figure,
            quantity,
            year=context.year,
            scope=context.scope,
            move=move,
            base=context.base if move else None,
        )

    def _phrases(
        self, phrases: Sequence[Phrase], shown: Sequence[tuple[int, bool, int | None]]
    ) -> Iterator[Claim]:
        """Yield what the sentence says without a number."""
        plain = self.sentence.plain
        for phrase in phrases:
            if not any(needle in plain for needle in phrase.needles):
                continue
            match = phrase.pattern.search(plain)
            if match is None or (phrase.unless and phrase.unless.search(plain)):
                continue
            doubtful, year = next((d, y) for end, d, y in shown if end >= match.end())
            if not doubtful:
                yield Claim(self.sentence, match.start(), match.end(), phrase=phrase, year=year)


def _after(tokens: Sequence[Token], start: int) -> _After:
    """Return what is said of a number behind it (None: it is not understood), and whether another follows."""
    found: list[Token] = []
    for token in tokens[start:]:
        if token.kind == "number":
            return (None if token.gap else found), True
        if token.gap:
            return None, False
        if token.kind in _ENDING:
            break
        found.append(token)
    return found, False


def _joined(tokens: Sequence[Token]) -> bool:
    """Return whether two things are named with an "and" between them."""
    named = False
    for token in tokens:
        if token.kind in ("topic", "figure"):
            named = True
        elif named and token.kind == "and":
            return True
    return False
