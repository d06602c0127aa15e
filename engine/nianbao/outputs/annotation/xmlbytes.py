"""XML as bytes: tags, and what a parser that counts bytes needs."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from lxml import etree


def tag(name: str, attributes: Mapping[str, str], closed: bool) -> bytes:
    """Return a start tag, or an empty element."""
    inner = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{inner}{'/>' if closed else '>'}".encode()


def utf8(data: bytes) -> bytes:
    """Return XML of which each tag is the bytes that it looks like: UTF-16 becomes UTF-8."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def refuse_document_type(*_: object) -> None:
    """Raise ValueError: a document type definition can make a small file huge."""
    raise ValueError("a document type definition")
