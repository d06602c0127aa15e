"""What the page says of two reports: their differences in the order in which the report prints its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nianbao.comparison.comparing import in_words
from nianbao.comparison.differences import FigureChange, ItemChange, ReportComparison, TextChange
from nianbao.comparison.textdiff import Mark, Sentence
from nianbao.fields import generic
from nianbao.layout import Grid, Heading
from nianbao.outputs.comparison.tables import Table, tables_of
from nianbao.outputs.comparison.words import (
    agency_words,
    counts_words,
    difference_words,
    figure_words,
    item_words,
    place_words,
    rate_words,
    trouble_words,
    year_words,
    years_words,
)
from nianbao.outputs.results.words import source_words, spot_words
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack
from nianbao.report import Report


@dataclass(frozen=True)
class Figure:
    """A figure that differs, in words."""

    place: str
    before: str
    after: str
    difference: str
    rate: str
    spots: str


@dataclass(frozen=True)
class Passage:
    """A text with marks; `same` where nothing changed in it, `sentences` are (whether changed, pieces)."""

    place: str
    sentences: tuple[tuple[bool, tuple[tuple[Mark, str], ...]], ...]
    same: bool = False

    @property
    def size(self) -> int:
        """The number of characters."""
        return sum(len(text) for _, pieces in self.sentences for _, text in pieces)


@dataclass(frozen=True)
class Part:
    """A part of the report under a heading of its own: its tables and texts, in order."""

    heading: str
    tables: tuple[Table, ...] = ()
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class Section:
    """Everything that the page says of two reports."""

    anchor: str
    agency: str
    years: str
    counts: str
    sources: tuple[str, str]
    troubles: tuple[str, ...]
    figures: tuple[Figure, ...]
    parts: tuple[Part, ...]
    forms: int


def section_of(pair: ReportComparison, pack: Pack, anchor: str, whole: bool) -> Section:
    """Return what the page says of a pair; `whole` with its full tables, else only what changed."""
    parts = tuple(_whole_parts(pair, pack)) if whole else (Part("", passages=tuple(_changed(pair, pack))),)
    return Section(
        anchor,
        agency_words(pair.after if pair.after.agency else pair.before),
        years_words(pair),
        counts_words(pair),
        (_source(pair.before), _source(pair.after)),
        trouble_words(pair),
        tuple(_figure(change, pair, pack) for change in pair.figures),
        tuple(part for part in parts if part.tables or part.passages),
        len(pair.forms),
    )


def _source(report: Report) -> str:
    return " ".join(filter(None, (year_words(report), source_words(report.source))))


def _figure(change: FigureChange, pair: ReportComparison, pack: Pack) -> Figure:
    reports = ((pair.before, change.before_field), (pair.after, change.after_field))
    spots = [_spot(report, path) if path else "" for report, path in reports]
    return Figure(
        place_words(change.field, pack),
        figure_words(change.before, change.before_found),
        figure_words(change.after, change.after_found),
        difference_words(change),
        rate_words(change),
        " → ".join(spots) if all(spots) else "".join(spots),
    )


def _spot(report: Report, path: str) -> str:
    where = report.where(path)
    return spot_words(where) if where.file else ""


def _changed(pair: ReportComparison, pack: Pack) -> Iterator[Passage]:
    """Yield the sentences that changed, and nothing around them."""
    for change in pair.texts:
        changed = [s for s in change.sentences if not s.same]
        yield Passage(place_words(change.field, pack), _marked(changed))
    yield from (_item(change, pack) for change in pair.items)


def _marked(sentences: Sequence[Sentence]) -> tuple[tuple[bool, tuple[tuple[Mark, str], ...]], ...]:
    return tuple(
        (not s.same, tuple((piece.mark, visible(piece.text)) for piece in s.pieces)) for s in sentences
    )


def _item(change: ItemChange, pack: Pack) -> Passage:
    mark: Mark = "inserted" if change.added else "deleted"
    place = f"{place_words(change.field, pack)}{'增加' if change.added else '删除'}"
    return Passage(place, tuple((True, ((mark, text),)) for text in item_words(change, pack)))


class _Passages:
    """Hands out the texts of a pair, each once, by the fields that the template prints."""

    def __init__(self, pair: ReportComparison, pack: Pack) -> None:
        self.pair, self.pack = pair, pack
        self.texts = {change.field: change for change in pair.texts}
        self.items = list(pair.items)

    def of(self, field: str) -> Iterator[Passage]:
        """Yield what there is to say of a field of the template."""
        for path in [path for path in self.texts if generic(path) == field]:
            yield self._passage(self.texts.pop(path))
        own = [item for item in self.items if field.startswith(generic(item.field) + ".")]
        for item in own:
            self.items.remove(item)
            yield _item(item, self.pack)
        known = self.pack.fields.find(field)
        text = self.pair.after.value(field)
        unchanged = not any(change.field == field for change in self.pair.texts)
        if known and known.kind == "text" and text and unchanged:
            words = visible(in_words(known, text))
            yield Passage(place_words(field, self.pack), ((False, (("same", words),)),), same=True)

    def rest(self) -> Iterator[Passage]:
        """Yield what the template does not print where it stands."""
        yield from map(self._passage, self.texts.values())
        yield from (_item(item, self.pack) for item in self.items)

    def _passage(self, change: TextChange) -> Passage:
        return Passage(place_words(change.field, self.pack), _marked(change.sentences))


def _whole_parts(pair: ReportComparison, pack: Pack) -> Iterator[Part]:
    """Yield the parts of the report in the order of its template."""
    tables = tables_of(pair, pack)
    passages = _Passages(pair, pack)
    heading = ""
    own_tables: list[Table] = []
    own: list[Passage] = []
    for block in pack.layout.blocks:
        if isinstance(block, Heading) and block.level == 1:
            yield _part(heading, own_tables, own)
            heading, own_tables, own = block.text, [], []
        elif isinstance(block, Grid):
            own_tables.append(tables[block.index])
        elif not isinstance(block, Heading):
            for field in block.fields:
                own += passages.of(field)
    yield _part(heading, own_tables, own)
    yield Part("其他内容", passages=tuple(passages.rest()))


def _part(heading: str, tables: Sequence[Table], passages: Sequence[Passage]) -> Part:
    """Return a part of the report; positions under a heading need not say it again."""
    short = (replace(p, place=p.place.removeprefix(heading).lstrip("·")) for p in passages)
    return Part(heading, tuple(tables), tuple(short) if heading else tuple(passages))
