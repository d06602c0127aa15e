"""Many reports become one: sums, adjustments, who counts, and what stands against it.

`rolling` is the way of a roll-up; `members` keeps what is needed of each report, `conflicts` sees what is
counted twice, `adjustments` reads what only a person knows, `carried` looks at last year, `against` at a
published report, `record` at an earlier roll-up, `whole` makes the report. The package is not called
`rollup`: importing it would put it in the place of the function of that name.
"""

from __future__ import annotations

from nianbao.consolidation.adjustments import Adjustment
from nianbao.consolidation.members import Excluded, Member
from nianbao.consolidation.rolling import Rollup, rollup

__all__ = ["Adjustment", "Excluded", "Member", "Rollup", "rollup"]
