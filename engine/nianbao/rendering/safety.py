"""What a template must not hold, beside its tags: code, references to the outside, tags in odd places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest

from lxml import etree

from nianbao.layout import W, joined_text
from nianbao.rendering.package import parse_part
from nianbao.values import shortened

_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_CODE = re.compile(r"(?i)(^|/)(vbaproject|vbadata|activex)|embeddings/.*\.bin$")
_MACROS = re.compile(rb"(?i)macroenabled|ms-office\.(vbaproject|activex)")
# Fields that fetch or start something when the report is opened.
_FETCHING = re.compile(r"(?i)^\s*(dde|ddeauto|includetext|includepicture|import|include|link|database)\b")
_MARK = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
# The statutory form has 250 tags of at most 80 characters; docxtpl takes the square of their number.
_MAX_TAGS = 5_000
_MAX_TAG = 300


def unsafe_contents(contents: Mapping[str, bytes], name: str) -> Iterator[str]:
    """Yield what a package holds that no template may: macros, other code, references to the outside."""
    if any(map(_CODE.search, contents)) or _MACROS.search(contents["[Content_Types].xml"]):
        yield f"模板{name}含有宏、控件或嵌入的程序，请用Word或WPS另存为不含宏的.docx"
    for part, content in contents.items():
        if part.endswith(".rels"):
            yield from _references(parse_part(content, part, name), name)
        elif part.startswith("word/") and part.endswith(".xml"):
            yield from _fetching_fields(parse_part(content, part, name), name)


def _references(root: etree._Element, name: str) -> Iterator[str]:
    for relation in root.iter(_RELATION):
        kind = (relation.get("Type") or "").rpartition("/")[2]
        if (relation.get("TargetMode") or "").lower() == "external" and kind != "hyperlink":
            target = shortened(relation.get("Target") or "", 60)
            yield f"模板{name}引用了外部的文件（{kind}：{target}），请改为嵌入或删除后另存"


def _fetching_fields(root: etree._Element, name: str) -> Iterator[str]:
    simple = [element.get(f"{W}instr") or "" for element in root.iter(f"{W}fldSimple")]
    # The instruction of a field may be spread over runs.
    split = ["".join(_instructions(paragraph)) for paragraph in root.iter(f"{W}p")]
    for instruction in (*simple, *(part for text in split for part in text.split("\0"))):
        if _FETCHING.match(instruction):
            yield f"模板{name}有读取外部内容的域“{shortened(instruction.strip(), 40)}”，请删除后另存"


def _instructions(paragraph: etree._Element) -> Iterator[str]:
    for node in paragraph.iter(f"{W}instrText", f"{W}fldChar"):
        yield "\0" if node.tag == f"{W}fldChar" else node.text or ""


def misplaced_tags(root: etree._Element, name: str) -> Iterator[str]:
    """Yield tags that are not paired, too long or too many, or stand where Word shows no text."""
    count = 0
    for paragraph in root.iter(f"{W}p"):
        text = joined_text(paragraph)
        marks = list(_MARK.finditer(text))
        count += len(marks) // 2
        if problem := _pairing(marks):
            yield f"模板{name}：“{shortened(text, 40)}”的{problem}"
    if count > _MAX_TAGS:
        yield f"模板{name}有{count}处标记，多于{_MAX_TAGS}处，请精简"
    if any(map(_MARK.search, _hidden_texts(root))):
        yield f"模板{name}有标记写在域代码、属性等正文以外的地方，请删除"


def _pairing(marks: list[re.Match[str]]) -> str | None:
    """Return what is wrong with the order of the marks of a paragraph, or None."""
    for opening, closing in zip_longest(marks[::2], marks[1::2]):
        wanted = _CLOSING.get(opening[0])
        if wanted is None or closing is None or closing[0] != wanted:
            pair = next(pair for pair in _CLOSING.items() if opening[0] in pair)
            return f"{pair[0]}与{pair[1]}不成对"
        if closing.start() - opening.end() > _MAX_TAG:
            return f"标记{opening[0]}…{closing[0]}长于{_MAX_TAG}字，请精简"
    return None


def _hidden_texts(root: etree._Element) -> Iterator[str]:
    """Yield the texts of a part that are not text of a run."""
    for element in root.iter():
        yield from map(str, element.attrib.values())
        parent = element.getparent()
        if element.text and not (element.tag == f"{W}t" and parent is not None and parent.tag == f"{W}r"):
            yield element.text
        if element.tail:
            yield element.tail
