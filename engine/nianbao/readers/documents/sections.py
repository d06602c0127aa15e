"""Sections of a finished document: found by their headings, each with its paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from nianbao.findings import Finding
from nianbao.labels import normal
from nianbao.readers.documents.document import Document, Paragraph, Table
from nianbao.readers.documents.outline import Outline, Section, heading_words
from nianbao.values import shortened

# A heading in other words is still it from this likeness on; nothing longer than this is a heading.
_NEAR, _LONGEST, _LAST_LINE = 0.72, 45, 12
_SAME_NUMBER = 0.3
_NUMBERED = re.compile(
    r"\s*[#*]*\s*(?:第?(?P<number>[一二三四五六七八九十]{1,3})(?:部分|[、.,])"
    r"|[(（]?[一二三四五六七八九十]{1,3}[)）]|\d{1,2}[.、])"
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
    for choose in (_exact, _likest):
        end = len(blocks)
        for section in reversed(outline.sections):
            known = next((i for i, (s, _) in found.items() if s is section), None)
            if known is None:
                floor = max((i for i, (s, _) in found.items() if _before(s, section, outline)), default=-1)
                match = choose([c for c in candidates if floor < c.first < end], section, outline)
                if match is not None:
                    found[match.first] = (section, match.last)
                    known = match.first
            end = end if known is None else known
    return found


@dataclass(frozen=True)
class _Candidate:
    """What may be a heading: its first and last block, its words, its number, whether it looks like one."""

    first: int
    last: int
    words: str
    number: str
    looks: bool


def _candidates(blocks: Sequence[Paragraph | Table]) -> Iterator[_Candidate]:
    """Yield the short paragraphs and pairs of lines that may be a heading."""
    for index, block in enumerate(blocks):
        if not isinstance(block, Paragraph) or not 0 < len(block.text.strip()) <= _LONGEST:
            continue
        numbered = _NUMBERED.match(normal(block.text))
        number = (numbered["number"] or "") if numbered else ""
        looks = block.heading or numbered is not None
        yield _Candidate(index, index, heading_words(block.text), number, looks)
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        if looks and isinstance(following, Paragraph) and _ends_heading(following):
            words = heading_words(block.text.rstrip() + following.text.lstrip())
            yield _Candidate(index, index + 1, words, number, looks)


def _ends_heading(line: Paragraph) -> bool:
    """Return whether a line may be the rest of a heading that was too long for one."""
    return 0 < len(line.text.strip()) <= _LAST_LINE and not (
        line.heading or _NUMBERED.match(normal(line.text))
    )


def _exact(candidates: Sequence[_Candidate], section: Section, _: Outline) -> _Candidate | None:
    """Return the last place where a section's heading stands in one of its known wordings."""
    return next((c for c in reversed(candidates) if c.words in section.names), None)


def _likest(candidates: Sequence[_Candidate], section: Section, outline: Outline) -> _Candidate | None:
    """Return what is most like a section's heading; the right number before it says a good part of it."""
    own = _NUMBERED.match(normal(section.title))
    best, found = _NEAR, None
    for candidate in candidates:
        if candidate.looks and candidate.words:
            bonus = _SAME_NUMBER if own and candidate.number == own["number"] else 0.0
            if _likeness(candidate.words, section) + bonus > best:
                best, found = _likeness(candidate.words, section) + bonus, candidate
    return found


def _likeness(words: str, section: Section) -> float:
    return max(SequenceMatcher(None, words, name, autojunk=False).ratio() for name in section.names)


def _before(one: Section, other: Section, outline: Outline) -> bool:
    return outline.sections.index(one) < outline.sections.index(other)


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
