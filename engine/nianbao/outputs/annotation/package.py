"""An .xlsx package that is changed part by part: what is not touched is copied byte for byte."""

from __future__ import annotations

import posixpath
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lxml import etree

from nianbao.readers.archive import Archive
from nianbao.readers.trouble import broken

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_NSMAP: Any = {None: _RELATIONS}
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_TYPES_PART = "[Content_Types].xml"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class Package:
    """The parts of a workbook, read on demand; changes wait until it is saved."""

    def __init__(self, path: Path) -> None:
        """Open `path`; raises InputError for what is dangerous to unpack or has a password."""
        self.path = path
        self._archive = Archive(path)
        self._changed: dict[str, bytes] = {}
        self._dropped: set[str] = set()
        with zipfile.ZipFile(path) as source:
            self._names = {_plain(name): name for name in source.namelist()}

    def close(self) -> None:
        """Close the file."""
        self._archive.__exit__(None, None, None)

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._names or name in self._changed

    def read(self, name: str) -> bytes:
        """Return a part as it stands now."""
        changed = self._changed.get(self._names.get(_plain(name), name))
        return self._archive.read(name) if changed is None else changed

    def root(self, name: str) -> etree._Element:
        """Return the root element of an XML part as it stands now."""
        if self._names.get(_plain(name), name) in self._changed:
            return etree.fromstring(self.read(name))
        return self._archive.root(name)

    def write(self, name: str, content: bytes | etree._Element) -> None:
        """Replace a part, or add one."""
        if not isinstance(content, bytes):
            content = etree.tostring(content, xml_declaration=True, encoding="UTF-8", standalone=True)
        self._changed[self._names.get(_plain(name), name)] = content

    def new_name(self, pattern: str) -> str:
        """Return a part name that is free; `pattern` holds ``{}`` for its number."""
        number = 1
        while pattern.format(number) in self:
            number += 1
        return pattern.format(number)

    def relations(self, part: str) -> Iterator[tuple[str, str, str]]:
        """Yield (id, type, target part) of the relationships of a part, but not links out of the package."""
        name = _relations_part(part)
        for relation in self.root(name) if name in self else ():
            if relation.tag == f"{{{_RELATIONS}}}Relationship" and relation.get("TargetMode") != "External":
                target = relation.get("Target", "").replace("\\", "/")
                target = posixpath.normpath(posixpath.join(posixpath.dirname(part), target))
                yield relation.get("Id", ""), relation.get("Type", ""), target.lstrip("/")

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add a relationship of a kind such as ``comments`` to a part; return its id."""
        name = _relations_part(part)
        empty = etree.Element(f"{{{_RELATIONS}}}Relationships", nsmap=_NSMAP)
        root = self.root(name) if name in self else empty
        taken = {relation.get("Id") for relation in root}
        number = next(n for n in range(1, len(taken) + 2) if f"rId{n}" not in taken)
        etree.SubElement(
            root,
            f"{{{_RELATIONS}}}Relationship",
            {"Id": f"rId{number}", "Type": f"{RELATION}/{kind}", "Target": f"/{target}"},
        )
        self.write(name, root)
        return f"rId{number}"

    def declare(self, content_type: str, *, part: str = "", extension: str = "") -> None:
        """Declare the content type of a part, or of all parts with an extension, unless that is done."""
        root = self.root(_TYPES_PART)
        key, value = ("Extension", extension) if extension else ("PartName", f"/{part}")
        if any((element.get(key) or "").lower() == value.lower() for element in root):
            return
        element = etree.Element(f"{{{_TYPES}}}{'Default' if extension else 'Override'}")
        element.set(key, value)
        element.set("ContentType", content_type)
        root.insert(0 if extension else len(root), element)
        self.write(_TYPES_PART, root)

    def drop(self, name: str, owner: str) -> None:
        """Leave a part out, with its content type and its relationship to `owner`."""
        self._dropped.add(self._names.get(_plain(name), name))
        keys = {key for key, _, target in self.relations(owner) if _plain(target) == _plain(name)}
        self._remove(_relations_part(owner), "Id", keys)
        self._remove(_TYPES_PART, "PartName", {f"/{name}"})

    def _remove(self, part: str, attribute: str, values: set[str]) -> None:
        root = self.root(part)
        for element in [element for element in root if element.get(attribute) in values]:
            root.remove(element)
        self.write(part, root)

    def save(self, stream: IO[bytes]) -> None:
        """Write the package: its parts in their order, then the new ones."""
        with zipfile.ZipFile(self.path) as source, zipfile.ZipFile(stream, "w") as target:
            for info in (info for info in source.infolist() if info.filename not in self._dropped):
                entry = zipfile.ZipInfo(info.filename, info.date_time)
                entry.compress_type = info.compress_type
                entry.external_attr = info.external_attr
                entry.file_size = info.file_size
                if info.filename in self._changed:
                    target.writestr(entry, self._changed[info.filename])
                    continue
                with source.open(info) as old, target.open(entry, "w") as new:
                    shutil.copyfileobj(old, new, 1 << 20)
            for name, content in self._changed.items():
                if name not in self._names.values():
                    entry = zipfile.ZipInfo(name, _ZIP_DATE)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    target.writestr(entry, content)

    def workbook(self) -> str:
        """Return the part that lists the sheets."""
        found = (target for _, kind, target in self.relations("") if kind.endswith("/officeDocument"))
        part = next(found, "")
        if part not in self:
            raise broken(self.path)
        return part

    def sheets(self) -> dict[str, str]:
        """Return the part of each worksheet by its title."""
        workbook = self.workbook()
        parts = {key: target for key, kind, target in self.relations(workbook) if kind.endswith("/worksheet")}
        found = {}
        for sheet in self.root(workbook).iter(f"{{{MAIN}}}sheet"):
            part = parts.get(sheet.get(f"{{{RELATION}}}id", ""))
            if part is not None and part in self:
                found[sheet.get("name", "")] = part
        return found

    def styles(self) -> str:
        """Return the part of the styles; where there is none, the name for a new one."""
        workbook = self.workbook()
        found = (target for _, kind, target in self.relations(workbook) if kind.endswith("/styles"))
        part = next(found, "")
        if not part:
            # Some programs look for the styles under this name only.
            part = "xl/styles.xml" if "xl/styles.xml" not in self else self.new_name("xl/styles{}.xml")
            self.relate(workbook, "styles", part)
        return part


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _relations_part(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")
