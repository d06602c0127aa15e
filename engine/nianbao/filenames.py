"""File names that every system can hold, each given once."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# How the files end that a roll-up writes beside its report.
MATRIX_FILE, TEXTS_FILE, RECORD_FILE = "（贡献矩阵）.xlsx", "（各单位文字）.xlsx", "（汇总记录）.json"
# What the folder of a collection is known by: its ledger, and where the reports of its agencies are.
LEDGER_FILE, LEDGER_REPORTS = "台账.xlsx", "数据"
MAX_BYTES = 255
# Room for a temporary's or a duplicate's addition, the mark of a report that did not pass, and the suffix.
_ROOM = 52
# Half a surrogate pair has no UTF-8.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\ud800-\udfff]')
# Marks that turn the direction of text can make a name look like another.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")


def safe_name(name: str) -> str:
    """Return `name` as a file name without suffix that Windows, macOS and Linux can all hold."""
    text = _FORBIDDEN.sub("_", _INVISIBLE.sub("", unicodedata.normalize("NFC", name)))
    text = " ".join(text.split()).strip(" .") or "_"
    if _RESERVED.fullmatch(text):
        text = f"_{text}"
    if len(text.encode()) <= MAX_BYTES - _ROOM:
        return text
    # Two long names that differ only in their tails stay different.
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    head = text.encode()[: MAX_BYTES - _ROOM - 9].decode("utf-8", "ignore")
    return f"{head.rstrip(' .')}~{mark}"


class Namer:
    """Gives every report a name of its own: a second one of the same name becomes …（2）."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def name(self, wanted: str) -> tuple[str, bool]:
        """Return a safe name that was not given before, and whether `wanted` had been."""
        base = safe_name(wanted)
        number = self._taken.get(self._key(base), 0) + 1
        while self._key(name := _numbered(base, number)) in self._taken:
            number += 1
        self._taken[self._key(name)] = 1
        # The next one of this name begins to look here.
        self._taken[self._key(base)] = number
        return name, number > 1

    def _key(self, name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold()


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}（{number}）"


def is_changed(wanted: str) -> bool:
    """Return whether a file cannot be called `wanted`; spaces at its ends, or two in a row, do not count."""
    return safe_name(wanted) != " ".join(unicodedata.normalize("NFC", wanted).split())
