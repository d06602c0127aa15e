"""Names of agencies as they are compared from year to year."""

from __future__ import annotations

import re

from nianbao.labels import normal

_OPENING, _CLOSING = "〔【[｛{〈《<", "〕】]｝}〉》>"
_BRACKETS = str.maketrans(dict.fromkeys(_OPENING, "(") | dict.fromkeys(_CLOSING, ")"))
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Radicals that look like their characters and that NFKC leaves alone.
_RADICALS = str.maketrans("⺠⻓⻔⻛", "民长门风")


def agency_key(name: str) -> str:
    """Return a name as it is compared: NFKC, without white space and marks, every bracket a round one."""
    return normal(_INVISIBLE.sub("", name)).translate(_BRACKETS).translate(_RADICALS)


def code_key(code: object) -> str:
    """Return a code of an agency as it is compared; empty for none."""
    return agency_key(str(code)) if code else ""
