"""Levels: what the roll-ups among the members were made of, by the records that lie beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nianbao.consolidation.members import Key, Member
from nianbao.consolidation.record import Record, read_record
from nianbao.errors import InputError
from nianbao.filenames import RECORD_FILE
from nianbao.findings import Finding
from nianbao.policy import Policy, ScopeKind


@dataclass(frozen=True)
class Level:
    """A member that is a roll-up: what it speaks for, and the agencies that it holds, on all levels."""

    member: Member
    kind: ScopeKind
    holds: tuple[str, ...]


def levels_of(members: Iterable[Member], policy: Policy) -> tuple[Level, ...]:
    """Return the members that are roll-ups of which it is known what they were made of."""
    found = []
    for member in members:
        kind = policy.scope_of(member.said.get(policy.scope))
        record = _record_beside(member) if kind is not None else None
        if kind is not None and record is not None:
            found.append(Level(member, kind, (*record.members, *record.within)))
    return tuple(found)


def holders(levels: Sequence[Level], name: Key) -> Mapping[str, tuple[Member, ScopeKind]]:
    """Return in which member an agency is included, by the name of the agency as it is compared."""
    return {name(agency): (level.member, level.kind) for level in levels for agency in level.holds}


def circles(levels: Sequence[Level], agency: str, policy: Policy, name: Key) -> Iterator[Finding]:
    """Yield a finding for each member that itself holds the figures of the whole."""
    for level in levels:
        member = level.member
        if name(member.agency) != name(agency) and name(agency) in map(name, level.holds):
            words = policy.scope_words(level.kind, member.agency)
            message = f"{member.agency}{words}的汇总里已有{agency}，不能再作为{agency}的成员（层级成环）"
            yield Finding("ROLLUP-CYCLE", "error", "agency", member.source, f"{message}；请把它移出输入")


def _record_beside(member: Member) -> Record | None:
    """Return the record of the roll-up that wrote a member's file, where it lies in the same folder."""
    if not member.source.file:
        return None
    file = Path(member.source.file)
    for path in sorted(file.parent.glob(f"*{RECORD_FILE}")):
        try:
            record = read_record(path)
        except InputError:
            # Somebody else's record: that it is broken does not concern this roll-up.
            continue
        if record is not None and file.name in record.outputs:
            return record
    return None
