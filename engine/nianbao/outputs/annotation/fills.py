"""The styles of a workbook, to which filled copies are added."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

from lxml import etree

from nianbao.outputs.annotation.package import MAIN, Package
from nianbao.outputs.annotation.sheetxml import Level

# Where to look is violet, darker where it is likely; what does not balance is red, what is doubtful orange,
# what is explained pale green.
COLOURS: Mapping[Level, str] = {
    "changed": "FF92D050",
    "culprit": "FFB48EE0",
    "error": "FFFF5050",
    "suspect": "FFB48EE0",
    "warning": "FFFFC000",
    "possible": "FFE6DAF5",
    "explained": "FFD9EAD3",
}
# A frame is seen as well where the workbook colours the cell itself because a rule of its own fails.
FRAMED: frozenset[Level] = frozenset({"culprit", "suspect"})
_FRAME = "FF7030A0"
_SIDES = ("left", "right", "top", "bottom")
_STYLES = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_NO_STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
# The order of the schema, as far as the styles that are added need it.
_BEFORE_FILLS, _BEFORE_BORDERS = ("numFmts", "fonts"), ("numFmts", "fonts", "fills")
_BEFORE_XFS = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs")


class Styles:
    """The styles of a workbook, to which filled copies are added."""

    def __init__(self, package: Package) -> None:
        self.part = package.styles()
        self.root = package.root(self.part) if self.part in package else etree.fromstring(_NO_STYLES)
        if self.part not in package:
            package.declare(_STYLES, part=self.part)
        self._formats = self._list("cellXfs", _BEFORE_XFS)
        self._fills: dict[Level, str] = {}
        self._frame = ""
        self._filled: dict[tuple[int, Level], int] = {}

    def filled(self, style: int, level: Level) -> int:
        """Return the number of the style that is `style` with the colour of a level."""
        if (style, level) not in self._filled:
            known = style < len(self._formats)
            base = self._formats[style] if known else etree.Element(f"{{{MAIN}}}xf")
            new = copy.deepcopy(base)
            new.set("fillId", self._fill(level))
            new.set("applyFill", "1")
            if level in FRAMED:
                new.set("borderId", self._border())
                new.set("applyBorder", "1")
            self._formats.append(new)
            self._formats.set("count", f"{len(self._formats)}")
            self._filled[style, level] = len(self._formats) - 1
        return self._filled[style, level]

    def _fill(self, level: Level) -> str:
        if level not in self._fills:
            fills = self._list("fills", _BEFORE_FILLS)
            pattern = etree.SubElement(etree.SubElement(fills, f"{{{MAIN}}}fill"), f"{{{MAIN}}}patternFill")
            pattern.set("patternType", "solid")
            etree.SubElement(pattern, f"{{{MAIN}}}fgColor", {"rgb": COLOURS[level]})
            etree.SubElement(pattern, f"{{{MAIN}}}bgColor", {"indexed": "64"})
            fills.set("count", f"{len(fills)}")
            self._fills[level] = f"{len(fills) - 1}"
        return self._fills[level]

    def _border(self) -> str:
        """Return the number of the frame of suspected cells."""
        if not self._frame:
            borders = self._list("borders", _BEFORE_BORDERS)
            frame = etree.SubElement(borders, f"{{{MAIN}}}border")
            for side in _SIDES:
                line = etree.SubElement(frame, f"{{{MAIN}}}{side}", {"style": "medium"})
                etree.SubElement(line, f"{{{MAIN}}}color", {"rgb": _FRAME})
            etree.SubElement(frame, f"{{{MAIN}}}diagonal")
            borders.set("count", f"{len(borders)}")
            self._frame = f"{len(borders) - 1}"
        return self._frame

    def _list(self, name: str, before: Iterable[str]) -> etree._Element:
        found = self.root.find(f"{{{MAIN}}}{name}")
        if found is None:
            found = etree.Element(f"{{{MAIN}}}{name}")
            names = [f"{{{MAIN}}}{other}" for other in before]
            self.root.insert(sum(child.tag in names for child in self.root), found)
        return found
