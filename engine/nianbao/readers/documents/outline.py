"""The outline of a report, from the template's layout: its sections with what stands in each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from nianbao.labels import normal
from nianbao.layout import Grid, Heading, TextField
from nianbao.pack import Pack
from nianbao.readers.documents.wording import bare

_ENUMERATION = re.compile(
    r"(?:第?[一二三四五六七八九十]{1,3}(?:部分|[、.,章])|[(][一二三四五六七八九十\d]{1,3}[)]|\d{1,2}[.、,])+"
)


@dataclass(frozen=True)
class Topic:
    """A topic of a section: the field of its heading and of its text, the words by which it is known."""

    heading: str
    text: str
    default: str
    words: tuple[str, ...]


@dataclass
class Section:
    """A section of the form: its heading, and the fields that stand in it.

    `further` is the list that takes topics of the office's own (the prefix of its items); `note` the field
    of the remark below a table, with the word that opens it; `closing` are single lines at the end.
    """

    title: str
    names: frozenset[str]
    text: str | None = None
    topics: list[Topic] = field(default_factory=list)
    further: str | None = None
    grids: list[Grid] = field(default_factory=list)
    note: tuple[str, str] | None = None
    closing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outline:
    """What a report consists of: the field before the first section, and the sections."""

    introduction: str | None
    sections: tuple[Section, ...]


def heading_words(text: str) -> str:
    """Return what a heading says without its number, as letters and digits."""
    return bare(_ENUMERATION.sub("", normal(text).lstrip("#* "), count=1))


@lru_cache(maxsize=8)
def outline(pack: Pack) -> Outline:
    """Return the outline of a pack's default template."""
    variants: Mapping[str, list[str]] = pack.variants.get("labels", {})
    sections: list[Section] = []
    introduction: str | None = None
    topic: str | None = None
    for block in pack.layout.blocks:
        if isinstance(block, Heading):
            if block.level:
                names = (block.text, *variants.get(block.text, ()))
                sections.append(Section(block.text, frozenset(map(heading_words, names))))
                topic = None
        elif isinstance(block, Grid):
            if sections:
                sections[-1].grids.append(block)
        elif not sections:
            introduction = introduction or _text_of(block, pack)
        else:
            topic = _add(block, sections[-1], topic, pack)
    return Outline(introduction, tuple(sections))


def _text_of(block: TextField, pack: Pack) -> str | None:
    field_ = pack.fields.find(block.fields[0]) if len(block.fields) == 1 else None
    return block.fields[0] if field_ is not None and field_.kind == "text" else None


def _add(block: TextField, section: Section, topic: str | None, pack: Pack) -> str | None:
    """Put a text field of the template into its section; return the heading whose text comes next."""
    if len(block.fields) != 1:
        return topic
    path = block.fields[0]
    if block.level is not None:
        return path
    if topic is not None:
        if "[]" in topic:
            section.further = topic.partition("[]")[0]
        else:
            section.topics.append(_topic(topic, path, pack))
    elif block.text:
        section.note = (path, normal(block.text))
    elif _text_of(block, pack):
        section.text = section.text or path
    else:
        section.closing.append(path)
    return None


def _topic(heading: str, text: str, pack: Pack) -> Topic:
    found = pack.fields.find(heading)
    default = (found.default if found else None) or ""
    words = pack.variants.get("headings", {}).get(default, ())
    return Topic(heading, text, default, tuple(dict.fromkeys((heading_words(default), *map(bare, words)))))
