"""The pack's words: a sentence becomes tokens, and whatever is no token is not understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

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


class Token(NamedTuple):
    """A piece of a sentence that is understood; `gap` is the text before it that is not.

    `start` and `end` are where a number or a break stands; words are the same token wherever they stand.
    """

    kind: Kind
    start: int
    end: int
    text: str
    gap: str = ""
    word: Word | None = None
    quantity: Quantity | None = None
    year: int | None = None


# What looks like a number and spells none.
_NO_NUMBER = Token("filler", 0, 0, "")


# What may follow each character that a word begins or goes on with; at "" the token of a word that ends.
_Branch = dict[str, Any]


@dataclass(frozen=True)
class Vocabulary:
    """All words of a pack as a tree of their characters, and the patterns of numbers and of growth.

    The token of a word that says nothing is None.
    """

    tree: _Branch
    numbers: re.Pattern[str]
    moves: re.Pattern[str]

    def tokens(self, sentence: str) -> list[Token]:
        """Return the tokens of a sentence in plain form, in order; the last is always a break.

        The longest word counts. Fillers are left out: they only keep what stands around them together.
        """
        found: list[Token] = []
        tree, match_number = self.tree, self.numbers.match
        gap, at, end, size = "", 0, 0, len(sentence)
        while at < size:
            first = sentence[at]
            branch = tree.get(first)
            if branch is None:
                at += 1
                continue
            token: Token | None = None
            after = 0
            if first in _BREAKS:
                after = at + 1
                token = Token("break", at, after, first)
            elif first in _BEGINS and (match := match_number(sentence, at)):
                token = _token(match)
                after = 0 if token is _NO_NUMBER else match.end()
            if not after:
                reached = at
                while branch is not None:
                    reached += 1
                    if "" in branch:
                        token, after = branch[""], reached
                    branch = branch.get(sentence[reached]) if reached < size else None
                if not after:
                    at += 1
                    continue
            if at > end:
                gap += sentence[end:at]
            if token is not None:
                found.append(Token(*token[:4], gap, *token[5:]) if gap else token)
                gap = ""
            at = end = after
        found.append(Token("break", size, size, "", gap + sentence[end:]))
        return found


def _token(match: re.Match[str]) -> Token | None:
    """Return what a match of the pattern for numbers is, None where it says nothing."""
    start, end = match.span()
    text = match[0]
    last = match.lastgroup
    if last == "year":
        year = match["year"]
        number = int(year) if year.isdecimal() else chinese_number(year)
        return Token("year", start, end, text, year=number)
    if last == "month":
        # A month is a part of the year, unless it is where the year begins or ends.
        if text == "1月1日":
            return None
        return Token("whole_year" if match["month"] == "12" else "past", start, end, text)
    if last == "silent":
        return None
    quantity = read_quantity(match, match["unit"] or "")
    return Token("number", start, end, text, quantity=quantity) if quantity else _NO_NUMBER


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
    # Whatever a token can begin with stands in the tree.
    tree: _Branch = {first: {} for first in (*_BREAKS, *_BEGINS)}
    for text, word in {**{mark: Word("filler") for mark in _QUOTES}, **words}.items():
        branch = tree
        for character in text:
            branch = branch.setdefault(character, {})
        branch[""] = None if word.kind == "filler" else Token(word.kind, 0, 0, text, word=word)
    return Vocabulary(
        tree,
        re.compile(rf"{_YEAR}|{_DATE}|(?P<silent>{_SILENT})|{number}{AFTER}"),
        re.compile("|".join(re.escape(t) for t, w in words.items() if w.kind in ("up", "down")) or "(?!)"),
    )
