"""Sections of a finished document: found by their headings, each with its paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from nianbao.findings import Finding
from nianbao.labels import normal
from nianbao.readers.document import Document, Paragraph, Table
from nianbao.readers.outline import Outline, Section, heading_words
from nianbao.readers.wording import bare
from nianbao.values import shortened

# A heading in other words is still it from this likeness on; nothing longer than this is a heading.
_NEAR, _LONGEST = 0.72, 45
_NUMBERED = re.compile(
    r"\s*[#*]*\s*(?:第?[一二三四五六七八九十]{1,3}(?:部分|[、.,])|[(（]?[一二三四五六七八九十]{1,3}[)）]|\d{1,2}[.、])"
)


@dataclass
class Part:
    """A section as it stands in a document: its heading, if it was found, and the blocks below it."""

    section: Section | None
    heading: Paragraph | None = None
    blocks: list[Paragraph | Table] = field(default_factory=list)

    @property
    def paragraphs(self) -> list[Paragraph]:
        """The paragraphs that say something."""
        return [b for b in self.blocks if isinstance(b, Paragraph) and b.text.strip()]


def split_sections(document: Document, outline: Outline) -> list[Part]:
    """Return the parts of a document: what stands before the first heading, then the sections in order."""
    headings = _headings(document.blocks, outline)
    parts = [Part(None)]
    skip = -1
    for index, block in enumerate(document.blocks):
        if index in headings:
            section, last = headings[index]
            parts.append(Part(section, _heading(document.blocks, index, last)))
            skip = last
        elif index > skip:
            parts[-1].blocks.append(block)
    return parts


def _heading(blocks: Sequence[Paragraph | Table], first: int, last: int) -> Paragraph | None:
    lines = [b for b in blocks[first : last + 1] if isinstance(b, Paragraph)]
    return Paragraph("".join(line.text.strip() for line in lines), lines[0].where) if lines else None


def _headings(blocks: Sequence[Paragraph | Table], outline: Outline) -> dict[int, tuple[Section, int]]:
    """Return by its first block each heading that was found, with its section and its last block.

    Sections are looked for from the end, each in its last place: a table of contents comes before.
    """
    found: dict[int, tuple[Section, int]] = {}
    candidates = list(_candidates(blocks))
    end = len(blocks)
    for exact in (True, False):
        end = len(blocks)
        for section in reversed(outline.sections):
            known = next((i for i, (s, _) in found.items() if s is section), None)
            if known is not None:
                end = known
                continue
            floor = max((i for i, (s, _) in found.items() if _before(s, section, outline)), default=-1)
            match = next(
                ((i, last) for i, last, words, numbered in reversed(candidates)
                 if floor < i < end and _is_heading(words, numbered, section, exact)),
                None,
            )  # fmt: skip
            if match:
                found[match[0]] = (section, match[1])
                end = match[0]
    return found


def _before(one: Section, other: Section, outline: Outline) -> bool:
    return outline.sections.index(one) < outline.sections.index(other)


def _candidates(blocks: Sequence[Paragraph | Table]) -> Iterator[tuple[int, int, str, bool]]:
    """Yield short paragraphs and pairs of lines that may be a heading: first, last, words, numbered."""
    for index, block in enumerate(blocks):
        if not isinstance(block, Paragraph) or not 0 < len(block.text.strip()) <= _LONGEST:
            continue
        numbered = block.heading or bool(_NUMBERED.match(normal(block.text)))
        yield index, index, heading_words(block.text), numbered
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        if numbered and isinstance(following, Paragraph) and 0 < len(following.text.strip()) <= 12:
            yield index, index + 1, heading_words(block.text.rstrip() + following.text.lstrip()), numbered


def _is_heading(words: str, numbered: bool, section: Section, exact: bool) -> bool:
    if exact or words in section.names:
        return words in section.names
    return numbered and any(
        SequenceMatcher(None, words, name, autojunk=False).ratio() >= _NEAR for name in section.names
    )


def heading_findings(parts: Sequence[Part], outline: Outline, document: Document) -> Iterator[Finding]:
    """Yield what is to be said about headings: other words, or none."""
    for part in parts:
        if (
            part.section
            and part.heading
            and heading_words(part.heading.text) != heading_words(part.section.title)
        ):
            message = (
                f"标题“{shortened(part.heading.text.strip(), 40)}”与格式中的“{part.section.title}”不同，"
                "已按后者读入，请核对"
            )
            yield Finding("LABEL", "warning", _path(part.section), part.heading.where, message)
    found = {id(part.section) for part in parts}
    for section in outline.sections:
        if id(section) not in found:
            message = f"没有找到标题“{section.title}”，请核对"
            yield Finding("HEADING", "warning", _path(section), document.source, message)


def _path(section: Section) -> str | None:
    """Return the field, or the branch of fields, that a section holds."""
    if section.grids:
        fields = next(iter(section.grids[0].field_cells), "")
        return fields.partition(".")[0] or None
    return section.text.partition(".")[0] if section.text else None


def same_words(one: str, other: str) -> bool:
    """Return whether two texts are the same but for spaces and punctuation."""
    return bare(one) == bare(other)
