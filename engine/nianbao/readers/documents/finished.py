"""Finished reports back to data: a document of any kind, aligned with the template's layout.

Nothing is derived and nothing filled in: a figure that is not found stays None and is a finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nianbao.errors import InputError
from nianbao.findings import Finding, Where
from nianbao.labels import normal
from nianbao.pack import Pack
from nianbao.raw import RawReport
from nianbao.readers.documents.document import Document, Paragraph, Table
from nianbao.readers.documents.lines import joined_lines, wrap_width
from nianbao.readers.documents.outline import Outline, outline
from nianbao.readers.documents.sections import Part, heading_findings, split_sections
from nianbao.readers.documents.stream import read_stream
from nianbao.readers.documents.tables import Figures, read_tables
from nianbao.readers.documents.texts import TextReader, is_date, is_site
from nianbao.readers.documents.titles import find_title, match_title
from nianbao.values import shortened

# Below this share of the figures, and without its headings, a file is no report of this kind.
_ENOUGH = 0.2
# A title stands among the first paragraphs, sometimes after the first heading.
_TITLE_WITHIN = 60


def raw_from_document(document: Document, pack: Pack) -> RawReport:
    """Return the report in a document as raw values; raises InputError where there is none of this kind."""
    reader = _Reader(document, pack)
    reader.read_figures()
    reader.require_report()
    reader.read_title()
    reader.read_texts()
    findings = (*document.findings, *reader.figures.findings)
    return RawReport(reader.figures.values, document.source, findings, reader.figures.origins, finished=True)


@dataclass
class _Reader:
    """Collects what a document says, part by part."""

    document: Document
    pack: Pack
    outline: Outline = field(init=False)
    parts: list[Part] = field(init=False)
    figures: Figures = field(init=False)
    agency: str = ""

    def __post_init__(self) -> None:
        self.outline = outline(self.pack)
        self.parts = split_sections(self.document, self.outline)

    def read_figures(self) -> None:
        """Read the tables; grids that no table shows are looked for in the stream of their section."""
        runs = [[b for b in part.blocks if isinstance(b, Table) and b.rows] for part in self.parts]
        self.figures = read_tables([run for run in runs if run], self.pack)
        for part in self.parts:
            for grid in part.section.grids if part.section else ():
                if not self.figures.values.keys() & grid.field_cells.keys():
                    read_stream(part.blocks, grid, self.figures)

    def require_report(self) -> None:
        """Raise InputError where neither the tables nor the headings of the form are found."""
        wanted = self.pack.fields.required_numbers
        found = sum(path in self.figures.values for path in wanted)
        headings = sum(part.heading is not None for part in self.parts)
        if found < len(wanted) * _ENOUGH and headings * 2 < len(self.outline.sections):
            file = self.document.source.file or ""
            raise InputError(
                f"{Path(file).name}：没有找到{self.pack.title}的内容（{len(wanted)}个数字只认出{found}个，"
                f"{len(self.outline.sections)}个标题只认出{headings}个），请核对是不是这种报告",
                file=file,
            )

    def read_title(self) -> None:
        """Take agency and year from the title, or else from the name of the file."""
        heads = [p for part in self.parts[:2] for p in part.paragraphs][:_TITLE_WITHIN]
        cells = [
            Paragraph(text, b.place(r, c))
            for b in self.parts[0].blocks
            if isinstance(b, Table)
            for r, row in enumerate(b.rows)
            for c, text in enumerate(row)
            if text
        ]
        for paragraphs in (heads, cells):
            found = find_title(paragraphs, self.pack)
            if found is not None:
                lines, self.agency, year = found
                title = [paragraphs[i] for i in lines]
                self.take_title("".join(p.text.strip() for p in title), year, title[0].where)
                self.drop(title)
                return
        self.title_from_name()

    def take_title(self, title: str, year: int, where: Where) -> None:
        """Keep agency and year, and the title where it is not the form's own."""
        own = str(self.pack.meta["output"]).format(agency=self.agency, year=year)
        found: dict[str, object] = {"agency": self.agency, "year": year}
        if "title" in self.pack.fields.by_path and normal(title) != normal(own):
            found["title"] = title
        self.figures.values |= found
        self.figures.origins |= dict.fromkeys(found, where)

    def title_from_name(self) -> None:
        """Take agency and year from the name of the file and say so."""
        source = self.document.source
        found = match_title(Path(source.file or "").stem, self.pack)
        if found is not None:
            self.agency, year = found
            self.figures.values |= {"agency": self.agency, "year": year}
            message = f"文中没有认出标题，单位和年度取自文件名：{self.agency}、{year}年，请核对"
            self.figures.say("TITLE", "warning", "agency", source, message)

    def drop(self, title: Sequence[Paragraph]) -> None:
        """Take the title out of its part, and what stands before it: nothing of a report does."""
        used = set(map(id, title))
        first, *others = self.parts[:2]
        at = [i for i, block in enumerate(first.blocks) if id(block) in used]
        first.blocks = first.blocks[at[-1] + 1 :] if at else []
        for part in others:
            part.blocks = [block for block in part.blocks if id(block) not in used]

    def read_texts(self) -> None:
        """Read introduction and sections; say what the form has no place for."""
        figures = self.figures
        figures.findings += heading_findings(self.parts, self.outline, self.document)
        limit = wrap_width(self.narrative()) if self.document.wrapped else None

        def unwrap(lines: Sequence[Paragraph]) -> list[Paragraph]:
            return joined_lines(lines, limit) if self.document.wrapped else list(lines)

        if self.document.page:
            self.cut_site()
        texts = TextReader(self.put, unwrap)
        if self.outline.introduction and "agency" in figures.values and self.parts[0].paragraphs:
            self.introduction(texts, self.outline.introduction)
        for part in self.parts:
            rest = texts.section(part, self.agency)
            if not self.is_stream(part):
                self.say_unread(rest)

    def cut_site(self) -> None:
        """Drop what a site prints below the report."""
        blocks = self.parts[-1].blocks
        end = next(
            (i for i, b in enumerate(blocks) if isinstance(b, Paragraph) and is_site(b.text)), len(blocks)
        )
        self.parts[-1].blocks = blocks[:end]

    def narrative(self) -> list[Paragraph]:
        """Return the lines of all texts: tables are set in another measure."""
        return [p for part in self.parts if part.section and not part.section.grids for p in part.paragraphs]

    def introduction(self, texts: TextReader, path: str) -> None:
        """Keep what stands between title and first heading, without what a site prints there."""
        before = [p for p in self.parts[0].paragraphs if not (is_site(p.text) or is_date(p.text))]
        if self.document.page:
            # What is no sentence belongs to the page.
            before = [p for p in before if p.text.endswith(("。", "：", "）", "；")) or len(p.text) > 40]
        if before:
            texts.body(path, texts.unwrap(before))

    def put(self, path: str, text: str, paragraph: Paragraph) -> None:
        """Keep a text."""
        self.figures.values[path] = text
        self.figures.origins[path] = paragraph.where

    def is_stream(self, part: Part) -> bool:
        """Return whether the figures of a part stand among its paragraphs."""
        return bool(part.section and part.section.grids) and not any(
            isinstance(b, Table) for b in part.blocks
        )

    def say_unread(self, rest: Sequence[Paragraph]) -> None:
        """Say which paragraphs were not read, because the form has no text there."""
        said = [p for p in rest if len(p.text.strip()) > 12 and not is_site(p.text)]
        if said:
            message = (
                f"表格前后有{len(said)}段文字，格式中没有位置，没有读入：“{shortened(said[0].text, 30)}”"
            )
            self.figures.findings.append(Finding("NOT-READ", "info", None, said[0].where, message))
