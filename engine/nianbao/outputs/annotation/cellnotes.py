"""Comments of cells: their texts, and the boxes (VML) in which spreadsheets show them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from nianbao.errors import OutputError
from nianbao.outputs.annotation.package import MAIN
from nianbao.outputs.annotation.sheetxml import Spot, spot_of
from nianbao.raw import column_name

AUTHOR = "nianbao"
_NSMAP: Any = {None: MAIN}
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
# The box in pixels: letters of 9 points are 6 wide, Chinese ones 12, lines 16 high.
_WIDTH, _LETTER, _LINE, _MARGIN = 260, 6, 16, 12
_LEAST_HEIGHT, _MOST_HEIGHT = 60, 800
_NAMESPACES = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_SHAPE_TYPE = (
    '<v:shapetype {ns} id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_LAYOUT = '<o:shapelayout {ns} v:ext="edit"><o:idmap v:ext="edit" data="{blocks}"/></o:shapelayout>'
_SHAPE = (
    '<v:shape {ns} id="_x0000_s{id}" type="#_x0000_t202" style="position:absolute;width:{width}pt;'
    'height:{height}pt;z-index:{order};visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">'
    '<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
    '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
    '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor>'
    "<x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
Size = Callable[[int], float]


@dataclass(frozen=True)
class Box:
    """The box of a comment: its cell, its size in pixels, and where in the grid it stands."""

    spot: Spot
    width: float
    height: float
    anchor: str


def add_comments(root: etree._Element | None, texts: Mapping[Spot, str]) -> tuple[etree._Element, list[Spot]]:
    """Return the comments with `texts` added, and the cells that had none and so need a box.

    Where a cell has a comment, the text is appended to it.
    """
    if root is None:
        root = etree.Element(_main("comments"), nsmap=_NSMAP)
    authors = _child(root, "authors", 0)
    names = [author.text for author in authors]
    if AUTHOR not in names:
        etree.SubElement(authors, _main("author")).text = AUTHOR
        names.append(AUTHOR)
    comments = _child(root, "commentList", 1)
    there = {spot_of(comment.get("ref", "")): comment for comment in comments}
    new = []
    for spot, text in sorted(texts.items()):
        comment = there.get(spot)
        if comment is None:
            address = f"{column_name(spot[1] - 1)}{spot[0]}"
            author = f"{names.index(AUTHOR)}"
            comment = etree.SubElement(comments, _main("comment"), {"ref": address, "authorId": author})
            new.append(spot)
            _add_run(_child(comment, "text", 0), text)
        else:
            _add_run(_child(comment, "text", 0), f"\n{text}")
    return root, new


def _add_run(rich: etree._Element, text: str) -> None:
    """Append a run of text; plain text that stands there becomes a run as well."""
    plain = rich.find(_main("t"))
    if plain is not None:
        run = etree.Element(_main("r"))
        rich.replace(plain, run)
        run.append(plain)
    run = etree.Element(_main("r"))
    properties = etree.SubElement(run, _main("rPr"))
    for name, value in (("sz", "9"), ("rFont", "宋体"), ("charset", "134")):
        etree.SubElement(properties, _main(name), {"val": value})
    written = etree.SubElement(run, _main("t"))
    written.text = text
    written.set(_SPACE, "preserve")
    # Phonetic hints, if any, stand behind the runs.
    runs = rich.findall(_main("r"))
    rich.insert(rich.index(runs[-1]) + 1 if runs else 0, run)


def box_of(spot: Spot, text: str, width_of: Size, height_of: Size) -> Box:
    """Return a box that shows the whole text, to the right of its cell in the grid of its sheet."""
    room = _WIDTH - _MARGIN
    # In UTF-8 a Latin letter takes one byte and a Chinese one, twice as wide, three.
    widths = [(len(line.encode()) + len(line)) / 2 * _LETTER for line in text.split("\n")]
    lines = sum(max(1, math.ceil(width / room)) for width in widths)
    height = min(max(lines * _LINE + _MARGIN, _LEAST_HEIGHT), _MOST_HEIGHT)
    row, column = spot
    left = (column + 1, 12)
    top = (max(row - 1, 1), 4)
    right = _reach(left, _WIDTH, width_of)
    bottom = _reach(top, height, height_of)
    numbers = (left[0] - 1, left[1], top[0] - 1, top[1], right[0] - 1, right[1], bottom[0] - 1, bottom[1])
    return Box(spot, _WIDTH, height, ", ".join(map(str, numbers)))


def _reach(start: tuple[int, int], length: float, size_of: Size) -> tuple[int, int]:
    """Return the line of the grid, and the pixels into it, `length` pixels behind `start`."""
    line, offset = start[0], start[1] + length
    # Enough lines for the narrowest grid; hidden ones have no size.
    for _ in range(2_000):
        size = size_of(line)
        if offset < size:
            break
        offset -= size
        line += 1
    return line, int(offset)


def add_boxes(drawing: bytes | None, boxes: Sequence[Box], block: int) -> bytes:
    """Return the VML drawing with boxes added; `block` numbers the shapes of a new drawing."""
    if drawing is None:
        blocks = ",".join(f"{block + i}" for i in range(len(boxes) // 1024 + 1))
        layout = _LAYOUT.format(ns="", blocks=blocks)
        drawing = f"<xml {_NAMESPACES}>{layout}</xml>".encode()
        first = block * 1024 + 1
    else:
        taken = [int(number) for number in re.findall(rb"_x0000_s(\d+)", drawing)]
        first = max(taken, default=block * 1024) + 1
    # Office writes VML that is no XML (<br> without end), so it is not parsed.
    head, end, tail = drawing.rpartition(b"</xml>")
    if not end:
        raise OutputError("工作表中原有的批注无法识别，不能标注，请用Excel或WPS打开并另存为.xlsx后再试")
    shapes = [] if b"_x0000_t202" in drawing else [_SHAPE_TYPE.format(ns=_NAMESPACES)]
    shapes += [_shape(box, number) for number, box in enumerate(boxes, first)]
    return head + "".join(shapes).encode() + end + tail


def _shape(box: Box, number: int) -> str:
    return _SHAPE.format(
        ns=_NAMESPACES,
        id=number,
        width=box.width * 0.75,
        height=box.height * 0.75,
        order=number % 1024,
        anchor=box.anchor,
        row=box.spot[0] - 1,
        column=box.spot[1] - 1,
    )


def _main(name: str) -> str:
    return f"{{{MAIN}}}{name}"


def _child(parent: etree._Element, name: str, at: int) -> etree._Element:
    found = parent.find(_main(name))
    if found is None:
        found = etree.Element(_main(name))
        parent.insert(at, found)
    return found
