"""What a reader hands on: cells by field, not yet values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nianbao.cells import RawCell
from nianbao.findings import Finding, Where


@dataclass(frozen=True)
class RawReport:
    """One report as found in an input: `cells` by field, and what the reader itself noticed.

    `finished` marks a published document, in which nothing is ever derived or filled in.
    """

    cells: Mapping[str, RawCell]
    source: Where
    findings: tuple[Finding, ...] = ()
    finished: bool = False
