"""A Word package from parts: what never changes is deflated once, the rest for every report."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from markupsafe import escape

_deflater: ModuleType
try:
    _deflater, _LEVEL = import_module("isal.isal_zlib"), 2
except ImportError:  # no wheel for this platform
    _deflater, _LEVEL = zlib, 6

# 1980-01-01 00:00, the earliest that a zip can say: equal input gives equal bytes.
_DATE, _TIME = 0x21, 0
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_UTF8 = 0x800
_DEFLATED = 8


CORE = "docProps/core.xml"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a package, deflated."""

    name: bytes
    data: bytes
    crc: int
    size: int


def deflate(name: str, content: bytes) -> Part:
    """Return `content` as a deflated part called `name`."""
    data = _deflater.compress(content, _LEVEL, wbits=-15)
    return Part(name.encode(), data, _deflater.crc32(content), len(content))


@dataclass(frozen=True, slots=True)
class Package:
    """The beginning of a zip package: whole entries, their part of the directory, and how many they are."""

    entries: bytes = b""
    directory: bytes = b""
    count: int = 0

    def with_parts(self, parts: Sequence[Part]) -> Package:
        """Return the package continued by `parts` in their order."""
        entries, directory, offset = [self.entries], [self.directory], len(self.entries)
        for part in parts:
            common = (_UTF8, _DEFLATED, _TIME, _DATE, part.crc, len(part.data), part.size, len(part.name), 0)
            header = _LOCAL.pack(b"PK\3\4", 20, *common)
            directory += (_CENTRAL.pack(b"PK\1\2", 20, 20, *common, 0, 0, 0, 0, offset), part.name)
            entries += (header, part.name, part.data)
            offset += len(header) + len(part.name) + len(part.data)
        return Package(b"".join(entries), b"".join(directory), self.count + len(parts))

    def finished(self) -> bytes:
        """Return the bytes of the whole package."""
        end = (b"PK\5\6", 0, 0, self.count, self.count, len(self.directory), len(self.entries), 0)
        return self.entries + self.directory + _END.pack(*end)


@dataclass(frozen=True)
class Properties:
    """Core properties of a document; `created` is a W3CDTF time."""

    title: str
    author: str
    subject: str
    created: str

    def xml(self) -> bytes:
        """Return the core properties part."""
        return (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<dc:title>{escape(self.title)}</dc:title><dc:subject>{escape(self.subject)}</dc:subject>"
            f"<dc:creator>{escape(self.author)}</dc:creator>"
            f"<cp:lastModifiedBy>{escape(self.author)}</cp:lastModifiedBy>"
            f'<dcterms:created xsi:type="dcterms:W3CDTF">{self.created}</dcterms:created>'
            f'<dcterms:modified xsi:type="dcterms:W3CDTF">{self.created}</dcterms:modified>'
            "</cp:coreProperties>"
        ).encode()
