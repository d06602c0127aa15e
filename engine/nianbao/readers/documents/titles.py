"""Titles of reports: which agency a report is about, and which year."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from nianbao.pack import Pack
from nianbao.readers.documents.document import Paragraph
from nianbao.values import chinese_number

_YEAR = "(?P<year>[0-9]{4}|[〇零○一二三四五六七八九]{4})"
_AGENCY = "(?P<agency>[^。；：，!?！？]{2,60}?)"
# A title is set in at most so many lines.
_LINES = 3


def match_title(text: str, pack: Pack) -> tuple[str, int] | None:
    """Return agency and year where `text` is the title of a report, white space aside."""
    plain = re.sub(r"\s", "", text).strip("《》#*")
    for pattern in _patterns(pack):
        match = pattern.fullmatch(plain)
        year = _year(match["year"]) if match else None
        if match and year:
            return match["agency"], year
    return None


def find_title(paragraphs: Sequence[Paragraph], pack: Pack) -> tuple[range, str, int] | None:
    """Return which paragraphs are the title, agency and year; None where no title is found."""
    texts = [p.text.strip() for p in paragraphs]
    for size in range(1, _LINES + 1):
        for start in range(len(texts) - size + 1):
            lines = texts[start : start + size]
            if all(lines) and (found := match_title("".join(lines), pack)):
                return range(start, start + size), *found
    return None


@lru_cache(maxsize=8)
def _patterns(pack: Pack) -> tuple[re.Pattern[str], ...]:
    own = re.escape(str(pack.meta["output"])).replace(r"\{", "{").replace(r"\}", "}")
    written = (own, *pack.variants.get("titles", ()))
    return tuple(re.compile(w.replace("{agency}", _AGENCY).replace("{year}", _YEAR)) for w in written)


def _year(text: str) -> int | None:
    year = int(text) if text.isdecimal() else chinese_number(text)
    return year if year is not None and 1900 <= year <= 2100 else None
