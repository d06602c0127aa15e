"""The roll-up of what was adopted: whole, members behind each figure, what stands against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nianbao.collecting.survey import Survey
from nianbao.consolidation import Rollup, rollup
from nianbao.errors import NianbaoError
from nianbao.ledger.members import Member
from nianbao.policy import Policy
from nianbao.previous import Previous
from nianbao.web.office.given import Given


@dataclass(frozen=True)
class Rolled:
    """A roll-up, or why there is none; `whole` is its agency, `choices` are those that may be it."""

    whole: str
    choices: tuple[str, ...]
    rollup: Rollup | None = None
    problem: str = ""


def rolled_up(made: Survey, given: Given, previous: Previous | None, whole: str = "") -> Rolled:
    """Return the roll-up of the adopted reports into one of `whole`, by default of the only government."""
    pack, ledger = made.workspace.pack, made.ledger
    policy = pack.rollup
    if policy is None:
        return Rolled("", (), None, f"报表包{pack.id}没有写明怎样汇总")
    known = wholes((line.member for line in ledger.lines), given, policy)
    # Who is asked for must be one that may be it: nobody rolls up into a name from an address.
    whole = whole if whole in known else known[0] if known else ""
    if not whole:
        return Rolled(
            "", (), None, "名录里没有类别为本级政府的单位，不知道汇总成谁的报告；请用 --whole 写明单位名称"
        )
    try:
        done = rollup(
            (line.adopted.result.report for line in ledger.lines if line.adopted),
            pack,
            whole,
            year=ledger.year,
            agencies=given.roster,
            adjustments=given.adjustments,
            previous=previous,
            aliases=given.aliases,
            waivers=made.beside.waivers,
        )
    except NianbaoError as error:
        return Rolled(whole, known, None, error.message)
    return Rolled(whole, known, done)


def wholes(members: Iterable[Member], given: Given, policy: Policy) -> tuple[str, ...]:
    """Return the agencies that a roll-up may be of: the one that was given, then the roster's governments."""
    governments = (member.name for member in members if member.category == policy.own)
    return tuple(dict.fromkeys(filter(None, (given.whole, *governments))))
