"""The parts of an .xlsx workbook: which sheets there are, where they stand, what the styles say."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nianbao.readers.archive import Archive
from nianbao.readers.trouble import broken

if TYPE_CHECKING:
    from lxml import etree

_PERCENT_FORMATS = {"9": "0%", "10": "0.00%"}
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')


@dataclass(frozen=True)
class SheetPart:
    """A worksheet: `index` is its place among all sheets, charts included."""

    index: int
    name: str
    part: str
    hidden: bool


@dataclass(frozen=True)
class Book:
    """What has to be known of a workbook before its sheets are read."""

    sheets: tuple[SheetPart, ...]
    percent_styles: frozenset[bytes]
    asks_to_calculate: bool
    dates_from_1904: bool
    styles: str | None
    strings: str | None


def read_book(archive: Archive) -> Book:
    """Return the structure of a workbook, every part of which but the sheets has been verified."""
    main = next((target for kind, target in _related(archive, "").values() if kind == "officeDocument"), None)
    if main is None:
        raise broken(archive.path)
    related = _related(archive, main)
    parts = {kind: target for kind, target in related.values() if target in archive}
    styles, strings = parts.get("styles"), parts.get("sharedStrings")
    for name in ("[Content_Types].xml", strings):
        if name:
            archive.verify(name)
    root = archive.root(main)
    calculation = next(_each(root, "calcPr"), None)
    properties = next(_each(root, "workbookPr"), None)
    return Book(
        sheets=tuple(_sheets(root, related)),
        percent_styles=frozenset(_percent_styles(archive.root(styles)) if styles else ()),
        asks_to_calculate=_is_on(calculation, "fullCalcOnLoad"),
        dates_from_1904=_is_on(properties, "date1904"),
        styles=styles,
        strings=strings,
    )


def _related(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """Return the relationships of a part by id: the last word of the type, and the name of the target."""
    folder, name = posixpath.split(part)
    relations = posixpath.join(folder, "_rels", f"{name}.rels")
    found = {}
    for relation in _each(archive.root(relations), "Relationship"):
        if relation.get("TargetMode") != "External":
            target = posixpath.join("/", folder, relation.get("Target", "").replace("\\", "/"))
            kind = relation.get("Type", "").rpartition("/")[2]
            found[relation.get("Id", "")] = (kind, posixpath.normpath(target).lstrip("/"))
    return found


def _sheets(root: etree._Element, related: dict[str, tuple[str, str]]) -> Iterator[SheetPart]:
    for index, sheet in enumerate(_each(root, "sheet")):
        identity = next((value for key, value in sheet.attrib.items() if str(key).endswith("}id")), "")
        kind, target = related.get(str(identity), ("", ""))
        if kind == "worksheet":
            hidden = sheet.get("state", "visible") != "visible"
            yield SheetPart(index, sheet.get("name", ""), target, hidden)


def _percent_styles(root: etree._Element) -> Iterator[bytes]:
    """Yield the numbers, as they stand in cells, of the cell formats that show a percentage."""
    codes = dict(_PERCENT_FORMATS)
    for custom in _each(root, "numFmt"):
        codes[custom.get("numFmtId", "")] = custom.get("formatCode", "")
    formats = next(_each(root, "cellXfs"), ())
    for index, xf in enumerate(element for element in formats if isinstance(element.tag, str)):
        if shows_percentage(codes.get(xf.get("numFmtId", ""), "")):
            yield str(index).encode()


def shows_percentage(code: str) -> bool:
    """Return whether a number format multiplies by 100: a quoted or escaped % is only text."""
    return "%" in code and "%" in _NOT_SHOWN.sub("", code)


def _each(root: etree._Element, local: str) -> Iterator[etree._Element]:
    return root.iter(f"{{*}}{local}")


def _is_on(element: etree._Element | None, attribute: str) -> bool:
    return element is not None and element.get(attribute) in ("1", "true", "on")
