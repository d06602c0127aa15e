"""Collecting the reports of many agencies: `driver` goes the whole way, from folder to ledger.

`files` reads what lies in a folder, `workspace` keeps what stays between two runs, `earlier` reads a round
before, `publication` reads back what was published.
"""

from __future__ import annotations

from nianbao.collecting.driver import Collected, collect

__all__ = ["Collected", "collect"]
