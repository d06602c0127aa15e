"""What stands in the cells of a form or a register before anybody fills them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nianbao.fields import split_path
from nianbao.outputs.form.plan import map_field
from nianbao.outputs.workbook.cellvalues import CellValue, cell_value, map_text, value_at, words_for
from nianbao.pack import Pack
from nianbao.report import Report


@dataclass(frozen=True)
class Filling:
    """The known data of one agency.

    `complete` data are a report's: they are shown as they are, blank where they are blank. Otherwise
    `previous` gives last year's figures for the fields that carry them forward.
    """

    pack: Pack
    data: Mapping[str, Any]
    previous: Report | None = None
    complete: bool = False

    @property
    def agency(self) -> str:
        """The agency's name; empty if it is not known."""
        return str(self.data.get("agency") or "")

    def value(self, path: str) -> CellValue:
        """Return what is known of a path; raises OutputError for notes that one cell cannot hold."""
        if path in self.pack.fields.maps:
            found: Any = map_text(self.data, path, self.pack.fields)
        else:
            found = value_at(self.data, split_path(path))
        return cell_value(found, map_field(path, self.pack))

    def carried(self, path: str) -> CellValue:
        """Return last year's figure for a path, None where there is none."""
        source = None if self.complete or self.previous is None else carry_sources(self.pack).get(path)
        if source is None or self.previous is None:
            return None
        return cell_value(self.previous.value(source), map_field(path, self.pack))

    def words(self, path: str) -> str:
        """Return the words by which an error names the value of a path."""
        return words_for(self.agency, self.pack.fields.place(path))


def carry_sources(pack: Pack) -> dict[str, str]:
    """Return the field of last year whose value each field of this year starts with."""
    found = {}
    for new, old in pack.meta.get("carry_forward", {}).items():
        for field in pack.fields.plain:
            if field.path == new or field.path.startswith(f"{new}."):
                found[field.path] = old + field.path.removeprefix(new)
    return found


def list_lengths(data: Mapping[str, Any], pack: Pack) -> dict[str, int]:
    """Return how many items each list of a report has."""
    found = {}
    for path in pack.fields.lists:
        items = value_at(data, split_path(path))
        found[path] = len(items) if isinstance(items, list | tuple) else 0
    return found
