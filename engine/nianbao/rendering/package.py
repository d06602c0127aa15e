"""The package of a Word template: its parts, read within limits, and its XML, read without DTDs."""

from __future__ import annotations

import io
import zipfile
import zlib

from lxml import etree

from nianbao.errors import TemplateError

# A template with pictures in it stays far below; what is larger is a mistake or an attack.
MAX_BYTES = 64 << 20
_MAX_XML = 8 << 20
_MAX_PARTS = 2_000
_XML = (".xml", ".rels")


def read_package(docx: bytes, name: str) -> dict[str, bytes]:
    """Return the parts of a .docx by name; raises TemplateError where it is none, or is not harmless.

    Refused are zip bombs, passwords, parts of the same name, and XML that is broken or has a DTD.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as package:
            infos = [info for info in package.infolist() if not info.is_dir()]
            _check_sizes(infos, name)
            contents = {info.filename: package.read(info) for info in infos}
    # zipfile raises RuntimeError for a password, NotImplementedError for a method that it does not know.
    except (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError, OSError) as error:
        message = f"模板{name}不是可用的Word文档（.docx），请用Word或WPS另存为不加密的.docx"
        raise TemplateError(message, file=name) from error
    for part in ("word/document.xml", "[Content_Types].xml", "_rels/.rels"):
        if part not in contents:
            message = f"模板{name}不是可用的Word文档（.docx）：没有{part}，请用Word或WPS另存为.docx"
            raise TemplateError(message, file=name)
    for part, content in contents.items():
        if part.endswith(_XML):
            parse_part(content, part, name)
    return contents


def _check_sizes(infos: list[zipfile.ZipInfo], name: str) -> None:
    names = {info.filename.lower() for info in infos}
    if len(names) < len(infos):
        raise TemplateError(f"模板{name}里有同名的部件，请用Word或WPS另存为.docx", file=name)
    largest = max((info.file_size for info in infos if info.filename.endswith(_XML)), default=0)
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES or largest > _MAX_XML or len(infos) > _MAX_PARTS:
        message = f"模板{name}解压后大得不正常，为安全起见没有使用；请删除多余的内容和图片后另存"
        raise TemplateError(message, file=name)


def parse_part(content: bytes, part: str, name: str) -> etree._Element:
    """Return the root element of an XML part; raises TemplateError for broken XML and for a DTD."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise TemplateError(f"模板{name}的{part}已损坏，请用Word或WPS另存为.docx", file=name) from error
    if root.getroottree().docinfo.internalDTD is not None:
        message = f"模板{name}的{part}有不允许的XML声明（DTD），请用Word或WPS另存为.docx"
        raise TemplateError(message, file=name)
    return root
