"""What differs between reports, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from nianbao.comparison.textdiff import Sentence, diff_texts, text_form
from nianbao.findings import Value
from nianbao.report import Report

Number = int | Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs. The paths differ only for items of lists; one is None where there is no item."""

    before_field: str | None
    after_field: str | None

    @property
    def field(self) -> str:
        """The field in the later report, or in the earlier one if only that has it."""
        return self.after_field or self.before_field or ""


@dataclass(frozen=True, slots=True)
class FigureChange(Change):
    """A figure that differs; None is a blank, and `found` is what stood there if it was no figure."""

    before: Number | None
    after: Number | None
    before_found: str = ""
    after_found: str = ""

    @property
    def difference(self) -> Number | None:
        """How much more it is; None where either is blank."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def rate(self) -> Decimal | None:
        """The difference as a share of the earlier figure; None where that is 0 or blank."""
        if not self.before or self.difference is None:
            return None
        return Decimal(self.difference) / Decimal(self.before)


@dataclass(frozen=True, slots=True)
class TextChange(Change):
    """A text, name, date or choice that differs, in words; empty where there is none."""

    before: str
    after: str

    @property
    def only_form(self) -> bool:
        """Whether only white space, full and half width or the style of quotes differ."""
        return text_form(self.before) == text_form(self.after)

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences of both texts, aligned; worked out anew each time, for a large set holds many."""
        return diff_texts(self.before, self.after)


@dataclass(frozen=True, slots=True)
class ItemChange(Change):
    """An item of a list that only one report has, with its values by field."""

    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def added(self) -> bool:
        """Whether the later report has the item."""
        return self.after_field is not None


@dataclass(frozen=True)
class ReportComparison:
    """Two reports of one agency and what differs between them, in the order of the schema.

    `forms` are texts that differ in form only: they are no difference.
    """

    before: Report
    after: Report
    figures: tuple[FigureChange, ...] = ()
    texts: tuple[TextChange, ...] = ()
    items: tuple[ItemChange, ...] = ()
    forms: tuple[TextChange, ...] = ()

    @property
    def agency(self) -> str:
        """The agency's name, as the later report has it."""
        return self.after.agency or self.before.agency

    @property
    def changes(self) -> int:
        """The number of differences."""
        return len(self.figures) + len(self.texts) + len(self.items)

    @property
    def same(self) -> bool:
        """Whether there is no difference."""
        return not self.changes


@dataclass(frozen=True)
class Comparison:
    """Two sets of reports: those that both have in pairs, and those of one alone."""

    pairs: tuple[ReportComparison, ...] = ()
    only_before: tuple[Report, ...] = ()
    only_after: tuple[Report, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both sets hold the same reports without any difference."""
        return not (self.only_before or self.only_after) and all(pair.same for pair in self.pairs)

    @property
    def differing(self) -> tuple[ReportComparison, ...]:
        """The pairs that differ."""
        return tuple(pair for pair in self.pairs if not pair.same)
