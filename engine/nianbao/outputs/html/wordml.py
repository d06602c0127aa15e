"""What a Word document says of its looks: the properties of paragraphs and runs, styles resolved."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

from lxml import etree

from nianbao.layout import W

Look = TypeVar("Look", "RunLook", "ParagraphLook")

_OFF = {"0", "false", "off", "none"}
_HEADING_NAMES = {"title": 0} | {f"heading {level}": level for level in range(1, 10)}


def value(element: etree._Element | None, name: str = "val") -> str | None:
    """Return an attribute of the `w:` namespace, None where the element or the attribute is missing."""
    return None if element is None else element.get(f"{W}{name}")


def number(element: etree._Element | None, name: str = "val") -> int | None:
    """Return an attribute as a whole number, None where there is none."""
    text = value(element, name)
    try:
        return None if text is None else round(float(text))
    except ValueError:
        return None


def _switch(element: etree._Element | None) -> bool | None:
    return None if element is None else (value(element) or "1").lower() not in _OFF


@dataclass(frozen=True, slots=True)
class RunLook:
    """How characters look; None is what nothing says. `size` is in half points."""

    font: str | None = None
    size: int | None = None
    bold: bool | None = None
    italic: bool | None = None
    underline: bool | None = None
    strike: bool | None = None
    color: str | None = None
    shift: str | None = None
    hidden: bool | None = None

    def over(self, below: RunLook) -> RunLook:
        """Return this look where it says something, `below` elsewhere."""
        return _over(self, below)


@dataclass(frozen=True, slots=True)
class ParagraphLook:
    """How a paragraph looks; lengths in twips, those in characters in hundredths; `line` as Word has it."""

    align: str | None = None
    left: int | None = None
    right: int | None = None
    first: int | None = None
    left_chars: int | None = None
    right_chars: int | None = None
    first_chars: int | None = None
    before: int | None = None
    after: int | None = None
    line: int | None = None
    line_rule: str | None = None
    outline: int | None = None
    list_id: str | None = None
    list_level: int | None = None
    contextual: bool | None = None

    def over(self, below: ParagraphLook) -> ParagraphLook:
        """Return this look where it says something, `below` elsewhere."""
        return _over(self, below)


def _over(above: Look, below: Look) -> Look:
    said = {f.name: v for f in fields(above) if (v := getattr(above, f.name)) is not None}
    return replace(below, **said) if said else below


def run_look(properties: etree._Element | None) -> RunLook:
    """Return what a w:rPr says."""
    if properties is None or not len(properties):
        return RunLook()
    find = properties.find
    fonts = find(f"{W}rFonts")
    underline = value(find(f"{W}u"))
    return RunLook(
        font=value(fonts, "eastAsia") or value(fonts, "ascii"),
        size=number(find(f"{W}sz")),
        bold=_switch(find(f"{W}b")),
        italic=_switch(find(f"{W}i")),
        underline=None if underline is None else underline != "none",
        strike=_switch(find(f"{W}strike")),
        color=value(find(f"{W}color")),
        shift=value(find(f"{W}vertAlign")),
        hidden=_switch(find(f"{W}vanish")),
    )


def paragraph_look(properties: etree._Element | None) -> ParagraphLook:
    """Return what a w:pPr says."""
    if properties is None or not len(properties):
        return ParagraphLook()
    find = properties.find
    indent, space, listed = find(f"{W}ind"), find(f"{W}spacing"), find(f"{W}numPr")
    hanging, hanging_chars = number(indent, "hanging"), number(indent, "hangingChars")
    return ParagraphLook(
        align=value(find(f"{W}jc")),
        left=_first(number(indent, "left"), number(indent, "start")),
        right=_first(number(indent, "right"), number(indent, "end")),
        first=number(indent, "firstLine") if hanging is None else -hanging,
        left_chars=_first(number(indent, "leftChars"), number(indent, "startChars")),
        right_chars=_first(number(indent, "rightChars"), number(indent, "endChars")),
        first_chars=number(indent, "firstLineChars") if hanging_chars is None else -hanging_chars,
        before=number(space, "before"),
        after=number(space, "after"),
        line=number(space, "line"),
        line_rule=value(space, "lineRule"),
        outline=number(find(f"{W}outlineLvl")),
        list_id=value(listed.find(f"{W}numId")) if listed is not None else None,
        contextual=_switch(find(f"{W}contextualSpacing")),
        list_level=number(listed.find(f"{W}ilvl")) if listed is not None else None,
    )


def _first(*values: int | None) -> int | None:
    return next((each for each in values if each is not None), None)


@dataclass(frozen=True, slots=True)
class Style:
    """A style with those that it is based on: its looks, and the level of its heading (0 is the title)."""

    paragraph: ParagraphLook
    run: RunLook
    level: int | None
    bordered: bool


class Styles:
    """The styles of a document by their ids."""

    def __init__(self, part: bytes | None) -> None:
        self._elements: dict[str, etree._Element] = {}
        self._resolved: dict[str, Style] = {}
        self._default_ids: dict[str, str] = {}
        self._defaults = Style(ParagraphLook(), RunLook(), None, False)
        if part:
            root = parse(part)
            defaults = root.find(f"{W}docDefaults")
            if defaults is not None:
                paragraph = defaults.find(f"{W}pPrDefault/{W}pPr")
                run = defaults.find(f"{W}rPrDefault/{W}rPr")
                self._defaults = Style(paragraph_look(paragraph), run_look(run), None, False)
            for style in root.iterfind(f"{W}style"):
                self._elements[value(style, "styleId") or ""] = style
                if value(style, "default") in ("1", "true", "on"):
                    self._default_ids[value(style, "type") or ""] = value(style, "styleId") or ""

    def paragraph(self, element: etree._Element) -> Style:
        """Return the style of a w:p, its own properties over it."""
        properties = element.find(f"{W}pPr")
        named = value(properties.find(f"{W}pStyle")) if properties is not None else None
        style = self.style(named if named in self._elements else self._default_ids.get("paragraph"))
        look = paragraph_look(properties).over(style.paragraph)
        level = style.level
        if level is None and look.outline is not None and look.outline < 9:
            level = look.outline + 1
        return Style(look, style.run, level, False)

    def character(self, style_id: str | None) -> RunLook:
        """Return the look of a character style, without the document's defaults."""
        found = self._elements.get(style_id or "")
        if found is None:
            return RunLook()
        look = run_look(found.find(f"{W}rPr"))
        based = value(found.find(f"{W}basedOn"))
        return look.over(self.character(based)) if based and based != style_id else look

    def style(self, style_id: str | None, seen: frozenset[str] = frozenset()) -> Style:
        """Return a style by its id; the document's defaults where there is none."""
        element = self._elements.get(style_id or "")
        if element is None or style_id is None or style_id in seen:
            return self._defaults
        if style_id not in self._resolved:
            based = self.style(value(element.find(f"{W}basedOn")), seen | {style_id})
            name = (value(element.find(f"{W}name")) or "").lower()
            borders = element.find(f"{W}tblPr/{W}tblBorders")
            self._resolved[style_id] = Style(
                paragraph_look(element.find(f"{W}pPr")).over(based.paragraph),
                run_look(element.find(f"{W}rPr")).over(based.run),
                _HEADING_NAMES.get(name, based.level),
                based.bordered if borders is None else has_lines(borders),
            )
        return self._resolved[style_id]


def has_lines(borders: etree._Element) -> bool:
    """Return whether any of the borders is drawn."""
    return any(value(side) not in (None, "nil", "none") for side in borders)


def parse(content: bytes) -> etree._Element:
    """Return the root of a part; entities are not resolved, nothing is fetched."""
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
