"""Which fonts of a template this computer lacks: its PDFs are then set in others."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping

from lxml import etree

from nianbao.layout import W

_SCRIPTS = ("eastAsia", "ascii")


def missing_fonts(contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the fonts of a Word package that are not installed, nor what it names in their place.

    Nothing is missing where the system cannot be asked (no fontconfig).
    """
    installed = _installed()
    if not installed:
        return ()
    substitutes = _substitutes(contents.get("word/fontTable.xml"))
    used = dict.fromkeys(
        font for part in ("word/styles.xml", "word/document.xml") for font in _used(contents.get(part))
    )
    return tuple(f for f in used if not {f.lower(), substitutes.get(f, f).lower()} & installed)


def _installed() -> frozenset[str]:
    program = shutil.which("fc-list")
    if program is None:
        return frozenset()
    said = subprocess.run([program, ":", "family"], capture_output=True, check=False, timeout=60).stdout
    return frozenset(
        name.strip().lower() for name in said.decode("utf-8", "replace").replace("\n", ",").split(",")
    )


def _substitutes(part: bytes | None) -> dict[str, str]:
    if not part:
        return {}
    pairs = ((font, font.find(f"{W}altName")) for font in etree.fromstring(part).iterfind(f"{W}font"))
    return {f.get(f"{W}name") or "": a.get(f"{W}val") or "" for f, a in pairs if a is not None}


def _used(part: bytes | None) -> Iterator[str]:
    for fonts in etree.fromstring(part).iter(f"{W}rFonts") if part else ():
        yield from filter(None, (fonts.get(f"{W}{script}") for script in _SCRIPTS))
