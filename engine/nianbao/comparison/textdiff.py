"""Differences between two texts, sentence by sentence and inside a sentence word by word.

A word is a Chinese character, or a run of Latin letters, or a number. White space and the form of a
character (full or half width, the style of quotes) do not make a word another one: a published page or PDF
breaks lines as it likes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import product
from typing import Literal

Mark = Literal["same", "deleted", "inserted"]
Opcode = tuple[str, int, int, int, int]

# Zero-width characters and soft hyphens are as invisible as white space.
_SPACE = "\\s\u00ad\u200b-\u200d\u2060\ufeff"
_WORD = re.compile(rf"(?:[A-Za-zＡ-Ｚａ-ｚ]+|\d+(?:[.,．]\d+)*[%％]?|[^{_SPACE}])[{_SPACE}]*")
_LEAD = re.compile(rf"[{_SPACE}]*")
_BLANK = re.compile(rf"[{_SPACE}]+")
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})
_ENDS, _CLOSES = frozenset("。！？；!?;"), frozenset("。！？；!?;”’」』）】》\"')")
# Beyond this, difflib may leave out words that occur everywhere: coarser, but never quadratic.
_MANY = 1000
_PAIRINGS = 10_000
# Where every word occurs so often, words are not told apart one by one.
_REPEATED = 20
# A sentence without an end is cut after so many words.
_LONGEST = 800
_ALIKE = 0.5
# An unchanged scrap of so many characters between two changes that are no shorter belongs to the change.
_SCRAP = 4
_SHORT = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of two texts: the same in both, deleted (`after` is empty) or inserted (`before` is empty).

    The same piece may be written in other forms or spaced otherwise on either side.
    """

    before: str
    after: str

    @property
    def mark(self) -> Mark:
        """What happened to the piece."""
        return "same" if self.before and self.after else "deleted" if self.before else "inserted"

    @property
    def text(self) -> str:
        """The text to show: as it is after, or as it was if it is deleted."""
        return self.after or self.before


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in two texts, as pieces; a sentence that only one of them has is one piece."""

    pieces: tuple[Piece, ...]

    @property
    def same(self) -> bool:
        """Whether nothing changed in the sentence."""
        return all(piece.mark == "same" for piece in self.pieces)


def text_form(text: str) -> str:
    """Return `text` as texts are compared: NFKC, quotes of one style, no white space."""
    return _BLANK.sub("", unicodedata.normalize("NFKC", text).translate(_QUOTES))


# Words come again and again.
_form = lru_cache(maxsize=1 << 16)(text_form)


def diff_texts(before: str, after: str) -> tuple[Sentence, ...]:
    """Return the sentences of two texts in order, aligned with each other.

    The pieces joined are the two texts, character for character.
    """
    old, new = _sentences(before), _sentences(after)
    found: list[Sentence] = []
    for tag, i, j, k, m in _opcodes([s.forms for s in old], [s.forms for s in new]):
        if tag == "equal":
            found += (Sentence((Piece(x.text, y.text),)) for x, y in zip(old[i:j], new[k:m], strict=True))
        else:
            found += _aligned(old[i:j], new[k:m])
    return tuple(found)


def likeness(before: str, after: str) -> float:
    """Return the share of different words that two texts have in common, 0 to 1."""
    bags = [frozenset(map(_form, _WORD.findall(text))) for text in (before, after)]
    return _likeness(*bags) if any(bags) else 1.0


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a sentence as written, and their forms."""

    words: tuple[str, ...]
    forms: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.words)


def _sentences(text: str) -> list[_Words]:
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    words = _WORD.findall(text, start)
    if not words:
        return []
    forms = [_form(word) if len(word) < _SHORT else text_form(word) for word in words]
    words[0] = text[:start] + words[0]
    found, begin = [], 0
    for index, form in enumerate(forms):
        following = forms[index + 1] if index + 1 < len(forms) else None
        closed = _closed(forms, begin, index, form) and following not in _CLOSES
        if following is None or closed or index - begin >= _LONGEST:
            found.append(_Words(tuple(words[begin : index + 1]), tuple(forms[begin : index + 1])))
            begin = index + 1
    return found


def _closed(forms: Sequence[str], begin: int, index: int, form: str) -> bool:
    """Return whether a sentence ends at `index`: with a stop, or with what closes after a stop."""
    while form in _CLOSES and form not in _ENDS and index > begin:
        index -= 1
        form = forms[index]
    return form in _ENDS


def _opcodes(old: Sequence[Hashable], new: Sequence[Hashable]) -> Iterator[Opcode]:
    """Yield (tag, start and end in `old`, start and end in `new`) as difflib does, within bounded time."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    i, j = len(old) - tail, len(new) - tail
    if head:
        yield "equal", 0, head, 0, head
    middle, other = old[head:i], new[head:j]
    if _repeats(middle, other):
        yield "replace", head, i, head, j
    else:
        many = max(len(middle), len(other)) > _MANY
        for tag, *ends in SequenceMatcher(None, middle, other, autojunk=many).get_opcodes():
            a, b, c, d = (end + head for end in ends)
            yield tag, a, b, c, d
    if tail:
        yield "equal", i, len(old), j, len(new)


def _common(old: Sequence[Hashable], new: Sequence[Hashable]) -> int:
    """Return how many items two sequences begin with in common."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(old), len(new)))


def _repeats(old: Sequence[Hashable], new: Sequence[Hashable]) -> bool:
    """Return whether two sequences say the same few things so often that difflib would take for ever."""
    first, second = Counter(old), Counter(new)
    matches = sum(count * second[item] for item, count in first.items() if item in second)
    return matches > _REPEATED * max(len(old), len(new))


def _aligned(old: list[_Words], new: list[_Words]) -> Iterator[Sentence]:
    """Yield the sentences of two stretches that differ; those that are alike are compared word by word."""
    if len(old) == len(new) == 1 and _likeness(_bag(old), _bag(new)) < _ALIKE:
        yield Sentence((Piece(old[0].text, ""), Piece("", new[0].text)))
        return
    i = j = 0
    for x, x_end, y, y_end in (*_pairs(old, new), (len(old), 0, len(new), 0)):
        yield from (Sentence((Piece(s.text, ""),)) for s in old[i:x])
        yield from (Sentence((Piece("", s.text),)) for s in new[j:y])
        if x < x_end:
            yield Sentence(tuple(_pieces(_joined(old[x:x_end]), _joined(new[y:y_end]))))
        i, j = x_end, y_end


# A sentence may go on as one, or be split in two, or two be joined.
_STEPS = ((1, 1), (1, 2), (2, 1))
Pairing = tuple[int, int, int, int]


def _pairs(old: list[_Words], new: list[_Words]) -> list[Pairing]:
    """Return which sentences are alike, in order, as two ranges each: the pairing that shares most words."""
    if len(old) * len(new) > _PAIRINGS:
        return [
            (i, i + 1, i, i + 1)
            for i in range(min(len(old), len(new)))
            if _likeness(_bag(old[i : i + 1]), _bag(new[i : i + 1])) >= _ALIKE
        ]
    bags = {
        (side, i, n): _bag(words[i : i + n])
        for side, words in enumerate((old, new))
        for n in (1, 2)
        for i in range(len(words) + 1 - n)
    }
    best: list[list[int]] = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    steps: dict[tuple[int, int], tuple[int, int]] = {}
    for i, j in product(range(1, len(old) + 1), range(1, len(new) + 1)):
        best[i][j] = max(best[i - 1][j], best[i][j - 1])
        for n, m in _STEPS:
            if n > i or m > j:
                continue
            a, b = bags[0, i - n, n], bags[1, j - m, m]
            shared = len(a & b)
            if 2 * shared >= _ALIKE * (len(a) + len(b)) and best[i - n][j - m] + shared > best[i][j]:
                best[i][j] = best[i - n][j - m] + shared
                steps[i, j] = (n, m)
    return _traced(best, steps)


def _traced(best: list[list[int]], steps: dict[tuple[int, int], tuple[int, int]]) -> list[Pairing]:
    pairs: list[Pairing] = []
    i, j = len(best) - 1, len(best[0]) - 1
    while i and j:
        if (i, j) in steps:
            n, m = steps[i, j]
            pairs.append((i - n, i, j - m, j))
            i, j = i - n, j - m
        elif best[i][j] == best[i - 1][j]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _joined(sentences: list[_Words]) -> _Words:
    return _Words(
        tuple(word for s in sentences for word in s.words), tuple(form for s in sentences for form in s.forms)
    )


def _bag(sentences: Iterable[_Words]) -> frozenset[str]:
    return frozenset(form for sentence in sentences for form in sentence.forms)


def _likeness(a: frozenset[str], b: frozenset[str]) -> float:
    return 2 * len(a & b) / (len(a) + len(b))


def _pieces(old: _Words, new: _Words) -> Iterator[Piece]:
    """Yield the pieces of two sentences; tiny fragments between changes go with them."""
    runs: list[tuple[bool, str, str]] = []
    for tag, i, j, k, m in _opcodes(old.forms, new.forms):
        runs.append((tag == "equal", "".join(old.words[i:j]), "".join(new.words[k:m])))
    for equal, before, after in _merged(runs):
        if equal:
            yield Piece(before, after)
            continue
        if before:
            yield Piece(before, "")
        if after:
            yield Piece("", after)


def _merged(runs: list[tuple[bool, str, str]]) -> Iterator[tuple[bool, str, str]]:
    """Yield the runs with scraps taken into the changes beside them, and changes that meet joined."""
    before = after = ""
    for index, (equal, old, new) in enumerate(runs):
        if equal and not _is_scrap(runs, index):
            if before or after:
                yield False, before, after
            yield True, old, new
            before = after = ""
        else:
            before, after = before + old, after + new
    if before or after:
        yield False, before, after


def _is_scrap(runs: list[tuple[bool, str, str]], index: int) -> bool:
    size = len(runs[index][2])
    if not 0 < index < len(runs) - 1 or size > _SCRAP:
        return False
    return all(size <= max(len(runs[k][1]), len(runs[k][2])) for k in (index - 1, index + 1))
