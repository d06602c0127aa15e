"""Last year's reports: read from any input, found by agency through renames, mergers and splits.

`index` finds the predecessors of a report, `aliases` reads what became of agencies, `census` says at the end
which agencies are new or missing and adds up the parts of those that were split.
"""

from __future__ import annotations

from nianbao.agencies import agency_key
from nianbao.previous.aliases import Aliases, Change, as_aliases, read_aliases
from nianbao.previous.census import Census
from nianbao.previous.index import Previous, as_previous

__all__ = [
    "Aliases",
    "Census",
    "Change",
    "Previous",
    "agency_key",
    "as_aliases",
    "as_previous",
    "read_aliases",
]
