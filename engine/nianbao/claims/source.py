"""claims.toml compiled: which words name which figure, and which sums of fields the figure may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nianbao.claims.numerals import PERCENT
from nianbao.claims.sentences import counted
from nianbao.claims.words import WORD_KINDS, Vocabulary, Word, expand, vocabulary
from nianbao.fields import FieldSet
from nianbao.rules.expression import Expression, ExpressionError, Linear, Scope


@dataclass(frozen=True, slots=True)
class Figure:
    """What a number may count: the sums of fields that it may equal, the first being what it should.

    Of a rate, `equals` are the numerators and `of` the denominators, pair by pair. A sentence that holds
    `unless` claims nothing of it. A number with another year is none, unless it is one of `years`, counted
    from the report's (1: the next).
    """

    topic: str
    id: str
    title: str
    equals: tuple[Linear, ...]
    of: tuple[Linear, ...] = ()
    place: str = ""
    unless: re.Pattern[str] | None = None
    years: tuple[int, ...] = ()

    @property
    def is_rate(self) -> bool:
        """Return whether the figure is a share, in per cent."""
        return bool(self.of)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a text speaks of: its units, and the figures that a number beside its bare name counts.

    A number beside the bare name needs one of the units that are `plain`: those of all topics.
    """

    id: str
    units: frozenset[str]
    plain: frozenset[str]
    default: str = ""
    growth: str = ""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A statement without a number that says some sums are 0."""

    title: str
    needles: frozenset[str]
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    zero: tuple[Linear, ...]


@dataclass(frozen=True)
class ClaimReader:
    """Everything that finds and judges claims, as the pack's claims.toml says it."""

    vocabulary: Vocabulary
    topics: Mapping[str, Topic]
    figures: Mapping[tuple[str, str], Figure]
    phrases: tuple[Phrase, ...]
    openings: Mapping[str, str]
    messages: Mapping[str, str]
    units: Mapping[str, str]
    counted: re.Pattern[str]
    needles: tuple[str, ...]
    any_needle: re.Pattern[str]
    # Every name of a topic holds one of these: a sentence without them speaks of none.
    stems: tuple[str, ...]


def read_claims(source: Mapping[str, Any], fields: FieldSet) -> ClaimReader:
    """Return the compiled claims.toml; raises ExpressionError or re.error for what it cannot mean."""
    scope = Scope(fields, {name: tuple(steps) for name, steps in source.get("sets", {}).items()}, {})
    topics = {raw["id"]: _topic(raw, source["units"]) for raw in source["topic"]}
    figures = {(topic, f.id): f for topic, f in _figures(source, scope, topics)}
    for topic in topics.values():
        for name in filter(None, (topic.default, topic.growth)):
            if (topic.id, name) not in figures:
                raise ExpressionError(f"主题{topic.id}没有数字{name}", 1)
    phrases = tuple(_phrase(raw, scope) for raw in source.get("phrase", ()))
    units = {unit for topic in topics.values() for unit in topic.units}
    needles = tuple(sorted({needle for phrase in phrases for needle in phrase.needles}))
    return ClaimReader(
        vocabulary(_words(source), units),
        topics,
        figures,
        phrases,
        {path: raw["id"] for raw in source["topic"] for path in raw.get("opens", ())},
        source["messages"],
        {f.path: f.unit for f in fields.numbers},
        counted({*units, PERCENT, "倍", "元"}),
        needles,
        re.compile("|".join(map(re.escape, needles)) or "(?!)"),
        _stems(spelled for raw in source["topic"] for text in raw["words"] for spelled in expand(text)),
    )


def _stems(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words that hold no other."""
    stems: list[str] = []
    for word in sorted(set(words), key=len):
        if not any(stem in word for stem in stems):
            stems.append(word)
    return tuple(stems)


def _topic(raw: Mapping[str, Any], units: Sequence[str]) -> Topic:
    default = raw.get("default", "")
    own, plain = frozenset(raw.get("units", units)), frozenset(units)
    return Topic(raw["id"], own, plain, default, raw.get("growth", default))


def _figures(
    source: Mapping[str, Any], scope: Scope, topics: Mapping[str, Topic]
) -> Iterator[tuple[str, Figure]]:
    for raw in source["figure"]:
        if raw["topic"] not in topics:
            raise ExpressionError(f"数字{raw['id']}的主题{raw['topic']}没有定义", 1)
        equals = tuple(_linear(text, scope) for text in raw["equals"])
        of = tuple(_linear(text, scope) for text in raw.get("of", ()))
        if of and len(of) != len(equals):
            raise ExpressionError(f"比率{raw['id']}的equals和of应一样多", 1)
        unless = re.compile(raw["unless"]) if "unless" in raw else None
        place = raw.get("place", "")
        years = tuple(raw.get("years", ()))
        yield raw["topic"], Figure(raw["topic"], raw["id"], raw["title"], equals, of, place, unless, years)


def _linear(text: str, scope: Scope) -> Linear:
    """Return the sum of fields that an expression is; a comparison with 0 is the way to read one."""
    return Expression.parse(f"{text} == 0").comparison(scope).left


def _phrase(raw: Mapping[str, Any], scope: Scope) -> Phrase:
    unless = re.compile(raw["unless"]) if "unless" in raw else None
    zero = tuple(_linear(text, scope) for text in raw["zero"])
    return Phrase(raw["title"], frozenset(raw["needles"]), re.compile(raw["pattern"]), unless, zero)


def _words(source: Mapping[str, Any]) -> Mapping[str, Word]:
    """Return every word with its meaning; one that means two things is a mistake of the pack."""
    words: dict[str, Word] = {}

    def add(text: str, word: Word) -> None:
        for spelled in expand(text):
            if words.get(spelled, word) != word:
                raise ExpressionError(f"词语“{spelled}”列了两次，含义不同", 1)
            words[spelled] = word

    for kind in WORD_KINDS:
        for text in source["words"].get(kind, ()):
            add(text, Word(kind))
    for raw in source["topic"]:
        for text in raw["words"]:
            add(text, Word("topic", raw["id"]))
    named: dict[str, dict[str, str]] = {}
    for raw in source["figure"]:
        for text in raw.get("words", ()):
            for spelled in expand(text):
                known = named.setdefault(spelled, {}).setdefault(raw["topic"], raw["id"])
                if known != raw["id"]:
                    raise ExpressionError(f"词语“{spelled}”在主题{raw['topic']}中有两个数字", 1)
    for spelled, figures in named.items():
        add(spelled, Word("figure", figures=figures))
    return words
