"""The pack's words: a sentence becomes tokens, and whatever is no token is not understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from nianbao.claims.numerals import AFTER, MONEY, NUMBER, PERCENT, POINTS, TIMES, Quantity, read_quantity
from nianbao.values import chinese_number

# What a word does to the numbers around it; docs/claims.md says it in full.
Kind = Literal[
    "filler",  # may stand anywhere: understood, says nothing
    "and",  # joins two things that are counted together
    "stop",  # ends what is said of the number before it
    "among",  # what follows are parts of what was said before
    "now",  # the year of the report
    "past",  # another year
    "total",  # counted over more than a year, unless the year is named
    "scope",  # only an office is meant
    "whole",  # the whole area is meant
    "other",  # something else is counted
    "part",  # what is counted until the next semicolon is a part: of one channel, of other offices
    "plan",  # what is intended or required
    "void",  # the numbers after it are no claims
    "compare",  # compared with the year before
    "up",
    "down",
    "topic",
    "figure",
    "number",
    "year",
    "whole_year",
    "break",
]
WORD_KINDS: tuple[Kind, ...] = (
    "filler",
    "and",
    "stop",
    "among",
    "now",
    "past",
    "total",
    "scope",
    "whole",
    "other",
    "part",
    "plan",
    "void",
    "compare",
    "up",
    "down",
)
_BRACES = re.compile(r"\{([^{}]*)\}")
_BREAKS = frozenset(",、;:()[]【】—")
# Titles, document numbers and enumeration count nothing; quotation marks change nothing.
_SILENT = r"《[^》]*》|〔[^〔〕]*〕\d*号?|<[^<>]*>|(?<!\d)\d{1,2}[.、)](?!\d)"
_QUOTES = frozenset("“”‘’\"'。！？!?")
_DATE = r"(?P<month>\d{1,2})月(?:\d{1,2}日)?"
_YEAR = r"(?P<year>\d{4}|[〇零一二三四五六七八九]{4})年度?"
# What a number, a year, a date or one of the silent things can begin with.
_BEGINS = frozenset("0123456789〇零一二两三四五六七八九十百千近约大将接超逾突最至不数几上《〔<")


@dataclass(frozen=True, slots=True)
class Word:
    """What a word means: its kind, a topic, or for each topic the figure that it names."""

    kind: Kind
    topic: str = ""
    figures: Mapping[str, str] | None = None


_BREAK = Word("break")


class Token(NamedTuple):
    """A piece of a sentence that is understood; `gap` is the text before it that is not."""

    kind: Kind
    start: int
    end: int
    text: str
    gap: str
    word: Word | None = None
    quantity: Quantity | None = None
    year: int | None = None


@dataclass(frozen=True)
class Vocabulary:
    """All words of a pack: by their first two characters the lengths that they have, longest first."""

    words: Mapping[str, Word]
    lengths: Mapping[str, tuple[int, ...]]
    numbers: re.Pattern[str]

    @cached_property
    def moves(self) -> tuple[str, ...]:
        """The words of growth and decline."""
        return tuple(text for text, word in self.words.items() if word.kind in ("up", "down"))

    def tokens(self, sentence: str) -> list[Token]:
        """Return the tokens of a sentence in plain form, in order; the last is always a break.

        Fillers are left out: they only keep what stands around them together.
        """
        found: list[Token] = []
        words, lengths = self.words, self.lengths
        gap = ""
        at, end, size = 0, 0, len(sentence)
        while at < size:
            first = sentence[at]
            token: Token | None = None
            if first in _BREAKS:
                text = first
                word = _BREAK
            elif first in _BEGINS and (match := self.numbers.match(sentence, at)):
                text = match[0]
                token = _token(match)
            if token is None and first not in _BREAKS:
                for length in lengths.get(sentence[at : at + 2], ()):
                    text = sentence[at : at + length]
                    if text in words:
                        break
                else:
                    text = first
                    if text not in words:
                        at += 1
                        continue
                word = words[text]
            if at > end:
                gap += sentence[end:at]
            end = at + len(text)
            kind = word.kind if token is None else token.kind
            if kind != "filler":
                token = token or Token(kind, at, end, text, gap, word)
                found.append(token._replace(gap=gap) if token.gap != gap else token)
                gap = ""
            at = end
        found.append(Token("break", size, size, "", gap + sentence[end:]))
        return found


def _token(match: re.Match[str]) -> Token | None:
    """Return what a match of the pattern for numbers is."""
    start, end, text = match.start(), match.end(), match[0]
    if year := match["year"]:
        number = int(year) if year.isdecimal() else chinese_number(year)
        return Token("year", start, end, text, "", None, None, number)
    if month := match["month"]:
        # A month is a part of the year, unless it is where the year begins or ends.
        kind: Kind = "whole_year" if month == "12" else "filler" if text == "1月1日" else "past"
        return Token(kind, start, end, text, "")
    if match["silent"]:
        return Token("filler", start, end, text, "")
    quantity = read_quantity(match, match["unit"] or "")
    return quantity and Token("number", start, end, text, "", None, quantity)


def expand(text: str) -> Iterator[str]:
    """Yield the words that a word with braces stands for: a{b,c}d is abd and acd."""
    match = _BRACES.search(text)
    if match is None:
        yield text
        return
    for choice in match[1].split(","):
        yield from expand(f"{text[: match.start()]}{choice}{text[match.end() :]}")


def vocabulary(words: Mapping[str, Word], units: Iterable[str]) -> Vocabulary:
    """Return the vocabulary of `words`; a longer word goes before a shorter one that begins it."""
    counted = sorted({*units, *MONEY, PERCENT, TIMES, POINTS}, key=lambda unit: (-len(unit), unit))
    unit = "|".join(map(re.escape, counted))
    number = (
        rf"{NUMBER}(?:个(?=[{''.join(u[0] for u in counted)}]))?(?:(?P<unit>{unit})|(?(hundredths)|(?!)))"
    )
    lengths: dict[str, set[int]] = {}
    for word in words:
        if len(word) > 1:
            lengths.setdefault(word[:2], set()).add(len(word))
    return Vocabulary(
        {**{mark: Word("filler") for mark in _QUOTES}, **words},
        {begin: tuple(sorted(found, reverse=True)) for begin, found in lengths.items()},
        re.compile(rf"{_YEAR}|{_DATE}|(?P<silent>{_SILENT})|{number}{AFTER}"),
    )
