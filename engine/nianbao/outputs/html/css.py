"""Looks as CSS: declarations of a paragraph or run, and where they go: classes or style attributes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, Protocol
from zlib import crc32

from markupsafe import escape

from nianbao.outputs.html.wordml import ParagraphLook, RunLook

_SONG = "SimSun,宋体,Songti SC,STSong,Noto Serif CJK SC,serif"
_KAI = "KaiTi,楷体,KaiTi_GB2312,楷体_GB2312,Kaiti SC,STKaiti,serif"
_FANG = "FangSong,仿宋,FangSong_GB2312,仿宋_GB2312,STFangsong,Noto Serif CJK SC,serif"
_HEI = "SimHei,黑体,Heiti SC,Microsoft YaHei,Noto Sans CJK SC,sans-serif"
_BIAO = f"方正小标宋简体,方正小标宋_GBK,FZXiaoBiaoSong-B05S,STZhongsong,华文中宋,{_SONG}"
# What a font of the standard is called elsewhere, by a word of its name; the first that fits counts.
_FAMILIES = (
    ("小标宋", _BIAO), ("仿宋", _FANG), ("FangSong", _FANG), ("楷", _KAI), ("Kai", _KAI),
    ("黑", _HEI), ("雅黑", _HEI), ("SimHei", _HEI), ("YaHei", _HEI), ("等线", _HEI),
    ("宋", _SONG), ("Sun", _SONG), ("Song", _SONG),
)  # fmt: skip
# A name of a font that CSS needs no quotation marks for.
_NAME = re.compile(r"[^\W\d]\w*( [^\W\d]\w*)*")
_ALIGN = {
    **{"both": "justify", "distribute": "justify", "center": "center", "right": "right", "end": "right"},
    **{"left": "left", "start": "left"},
}
# Smaller letters than these cannot be read on a screen, whatever is right on paper.
_SMALLEST = 0.8


def family(font: str) -> str:
    """Return the CSS font family for a font of Word, with what stands in for it elsewhere."""
    for word, stack in _FAMILIES:
        if word in font:
            return stack
    return f"{font},serif" if _NAME.fullmatch(font) else "serif"


def em(length: float) -> str:
    """Return a length in em, three digits at most."""
    return f"{length:.3f}".rstrip("0").rstrip(".") + ("em" if round(length, 3) else "")


class Css(NamedTuple):
    """Declarations for a screen, what is other on paper, and what is other below an element of the same."""

    screen: str = ""
    paper: str = ""
    repeated: str = ""

    def and_(self, other: Css) -> Css:
        """Return these declarations and the other's."""
        return Css(*(";".join(filter(None, pair)) for pair in zip(self, other, strict=True)))


@lru_cache(maxsize=4096)
def run_css(look: RunLook, base: int, latin: str, within: RunLook | None = None) -> Css:
    """Return the declarations of characters; `base` is the size of the document's text in half points.

    On paper sizes are as they are; on a screen they follow the reader's own, in em of the look that they
    stand `within`. `latin` is what stands before the Chinese fonts.
    """
    size = look.size or 21
    ratio = _screen(size, base) / (_screen(within.size or 21, base) if within else 1)
    parts = [f"font-size:{em(ratio)}"]
    if look.font:
        parts.append(f"font-family:{latin}{family(look.font)}")
    parts.append(f"font-weight:{'bold' if look.bold else 'normal'}")
    if look.italic or (within and within.italic):
        parts.append(f"font-style:{'italic' if look.italic else 'normal'}")
    lines = [word for word, on in (("underline", look.underline), ("line-through", look.strike)) if on]
    if lines:
        parts.append(f"text-decoration:{' '.join(lines)}")
    color = (look.color or "auto").lower()
    if color.isalnum() and color not in ("auto", "000000"):
        parts.append(f"color:#{color}")
    return Css(";".join(parts), f"font-size:{size / 2:g}pt")


def _screen(size: int, base: int) -> float:
    return max(size / base, _SMALLEST)


@lru_cache(maxsize=4096)
def paragraph_css(look: ParagraphLook, size: int | None, cell: bool = False) -> Css:
    """Return the declarations of a paragraph whose letters have that size (half points).

    In a cell there is no space around it, and no indent but at the left.
    """
    unit = (size or 21) * 10
    parts = [f"text-align:{_ALIGN.get(look.align or '', 'left')}", f"line-height:{_line_height(look, unit)}"]
    if not cell:
        parts.append(f"margin:{_margins(look, unit)}")
        if first := _length(look.first_chars, look.first, unit):
            parts.append(f"text-indent:{em(first)}")
    return Css(";".join(parts), repeated="margin-top:0" if look.contextual and not cell else "")


def _margins(look: ParagraphLook, unit: int) -> str:
    # Indents into the page's margins are for paper alone.
    left = max(0.0, _length(look.left_chars, look.left, unit))
    right = max(0.0, _length(look.right_chars, look.right, unit))
    sides = [em(side) for side in ((look.before or 0) / unit, right, (look.after or 0) / unit, left)]
    return "0" if set(sides) == {"0"} else " ".join(sides)


def _length(chars: int | None, twips: int | None, unit: int) -> float:
    return chars / 100 if chars else (twips or 0) / unit


def _line_height(look: ParagraphLook, unit: int) -> str:
    if not look.line:
        return "1.5"
    ratio = look.line / 240 * 1.3 if look.line_rule in (None, "auto") else look.line / unit
    return f"{min(max(ratio, 1.2), 3):.2f}".rstrip("0").rstrip(".")


class Sheet(Protocol):
    """Where declarations go."""

    latin: str
    newline: str

    @property
    def rules(self) -> str:
        """The style sheet that the attributes need."""

    def attribute(self, css: Css) -> str:
        """Return the attribute, led by a space, that gives an element its declarations."""


class Inline:
    """Declarations go into style attributes; those for paper alone are left out."""

    latin, newline, rules = "", "", ""

    def attribute(self, css: Css) -> str:
        """Return a style attribute."""
        return f' style="{escape(css.screen)}"' if css.screen else ""


class Classes:
    """Declarations become classes, each once; `rules` is the style sheet of them all."""

    # Digits and letters alone: quotation marks and dashes are those of the Chinese font.
    latin, newline = "nb-latin,", "\n"

    def __init__(self) -> None:
        self._names: dict[Css, str] = {}

    def attribute(self, css: Css) -> str:
        """Return a class attribute."""
        if not css.screen:
            return ""
        if css not in self._names:
            # Named by what it holds: the same looks have the same name in every report.
            self._names[css] = f"w{crc32('/'.join(css).encode()):08x}"
        return f' class="{self._names[css]}"'

    @property
    def rules(self) -> str:
        """The rules of all classes, those for paper after those for a screen."""
        screen = "\n".join(f".{name}{{{css.screen}}}" for css, name in self._names.items())
        below = "\n".join(f".{n}+.{n}{{{css.repeated}}}" for css, n in self._names.items() if css.repeated)
        paper = "\n".join(f".{name}{{{css.paper}}}" for css, name in self._names.items() if css.paper)
        return f"{screen}\n{below}\n@media print{{\n{paper}\n}}\n"
