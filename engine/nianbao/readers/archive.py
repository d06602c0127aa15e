"""The zip package of a workbook or a document, read with limits, and its XML, read without DTDs."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from nianbao.errors import InputError
from nianbao.readers.trouble import broken, trouble

if TYPE_CHECKING:
    from lxml import etree

_inflater: Callable[[int], Any] | None
try:
    _inflater = import_module("isal.isal_zlib").decompressobj
except ImportError:  # no wheel for this platform
    _inflater = None

BLOCK = 1 << 20
_MOST_IN_ALL = 4 << 30


@dataclass(frozen=True)
class Limits:
    """How large parts may be: unpacked in memory, and against their packed size.

    A part that unpacks to no more than `small` harms nobody, however well it is packed.
    """

    memory: int
    times_packed: int
    small: int


WORKBOOK_LIMITS = Limits(512 << 20, 200, 16 << 20)
# A ratio of 0.01 beyond 100 KB is Apache POI's (ZipSecureFile); the text of a report is far below 20 MB.
DOCUMENT_LIMITS = Limits(20 << 20, 100, 100 << 10)


class Archive:
    """A zip file whose parts are found whatever their case, and none of which is a zip bomb."""

    def __init__(self, path: Path, limits: Limits = WORKBOOK_LIMITS) -> None:
        """Open `path`; raises InputError for a zip bomb, a password, and parts of the same name."""
        self.path = path
        self.limits = limits
        self._zip = zipfile.ZipFile(path)
        try:
            self._parts = self._checked()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._parts

    @property
    def names(self) -> Collection[str]:
        """Return the names of all parts in lower case."""
        return self._parts.keys()

    def open(self, name: str) -> IO[bytes]:
        """Return a part as a stream; its check sum is verified by whoever reads to its end."""
        part = self._part(name)
        stream = self._zip.open(part)
        if _inflater is not None and part.compress_type == zipfile.ZIP_DEFLATED:
            # It does what zlib's does in a third of the time; a zipfile that has no such attribute goes on.
            vars(stream)["_decompressor"] = _inflater(-zlib.MAX_WBITS)
        return stream

    def size(self, name: str) -> int:
        """Return the size of a part, unpacked."""
        return self._part(name).file_size

    def _part(self, name: str) -> zipfile.ZipInfo:
        part = self._parts.get(name.lower())
        if part is None:
            raise broken(self.path)
        return part

    def read(self, name: str) -> bytes:
        """Return a whole part."""
        with self.open(name) as stream:
            data = stream.read(self.limits.memory + 1)
        if len(data) > self.limits.memory:
            raise too_large(self.path)
        return data

    def verify(self, name: str) -> None:
        """Raise an error where a part is not what the directory of the zip file says it is."""
        if name in self:
            with self.open(name) as stream:
                while stream.read(BLOCK):
                    pass

    def root(self, name: str) -> etree._Element:
        """Return the root element of an XML part."""
        from lxml import etree

        data = self.read(name)
        if b"<!DOCTYPE" in data[:4096]:
            raise has_doctype(self.path)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(data, parser)
        if root.getroottree().docinfo.internalDTD is not None:
            raise has_doctype(self.path)
        return root

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        parts: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for info in self._zip.infolist():
            name = info.filename.replace("\\", "/").lstrip("/").lower()
            total += info.file_size
            if name in parts:
                raise broken(self.path)
            if info.flag_bits & 1:
                raise trouble(self.path, "文件有密码，请取消密码后另存，再重新运行")
            packed = self.limits.times_packed * info.compress_size
            if info.file_size > max(self.limits.small, packed) or total > _MOST_IN_ALL:
                raise too_large(self.path)
            parts[name] = info
        return parts


def too_large(path: Path) -> InputError:
    """Return the error for a file that unpacks to an unreasonable size."""
    return trouble(
        path, "解压后大得不正常，为安全起见没有读取；请用Excel或Word打开，删除多余的内容和格式后另存"
    )


def has_doctype(path: Path) -> InputError:
    """Return the error for XML with a document type definition: no office program writes one."""
    return trouble(
        path, "文件中有不允许的XML声明（DTD），为安全起见没有读取；请用Excel或Word打开后另存一份再试"
    )


def parse_events(
    stream: IO[bytes],
    path: Path,
    *,
    start: Callable[[str, dict[str, str]], Any],
    end: Callable[[str], Any],
    text: Callable[[str], Any],
) -> Iterator[None]:
    """Yield after each block of XML whose elements and texts have been given to the callbacks.

    Names have their prefixes. Raises InputError for a document type definition, and so for entities.
    """
    from xml.parsers import expat

    def refuse(*_: object) -> None:
        raise has_doctype(path)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    while block := stream.read(BLOCK):
        parser.Parse(block, False)
        yield
    parser.Parse(b"", True)
    yield
