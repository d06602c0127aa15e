"""The record of a roll-up: who contributed what, so that a later one can say what changed since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from nianbao.consolidation.carried import greatest_first, signed
from nianbao.consolidation.members import Key, Member
from nianbao.errors import InputError
from nianbao.pack import Pack
from nianbao.policy import Policy
from nianbao.rules.expression import Number

# Members whose share in a change is named, and fields that a sentence lists.
_NAMED, _LISTED = 5, 6
# Among those who made a figure another one: the adjustments.
ADJUSTED = "调整"


@dataclass(frozen=True)
class Record:
    """What a roll-up was made of; `outputs` are the files that it wrote.

    `members` are the digest and the figures of each agency; `adjusted` is what the adjustments add to a
    figure; `within` names the agencies that are in the figures of those members, by the records of their own
    roll-ups.
    """

    agency: str
    year: int | None
    fields: tuple[str, ...]
    members: Mapping[str, tuple[str, tuple[Number | None, ...]]]
    outputs: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    adjusted: Mapping[str, Number] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        agency: str,
        year: int | None,
        policy: Policy,
        members: Iterable[Member],
        within: Sequence[str] = (),
    ) -> Record:
        """Return the record of these members, before anything is written."""
        kept = {member.agency: (member.digest, member.figures) for member in members}
        return cls(agency, year, policy.paths, kept, within=tuple(within))


@dataclass(frozen=True)
class Change:
    """A figure of the whole, adjusted, that differs from an earlier roll-up, and whose figures made it so."""

    field: str
    before: Number
    after: Number
    by: tuple[tuple[str, Number], ...]


@dataclass(frozen=True)
class Changes:
    """What changed since an earlier roll-up: members by name, and the figures of their sum."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    fields: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.gone or self.fields)

    def sentence(self, pack: Pack) -> str:
        """Return the changes as one sentence: 汇总后2家改动，影响：…"""
        parts = [
            f"{len(names)}家{word}（{_names(names)}）"
            for names, word in ((self.changed, "改动"), (self.added, "新增"), (self.gone, "减少"))
            if names
        ]
        parts += ["调整有改动"] if any(who == ADJUSTED for c in self.fields for who, _ in c.by) else []
        shown = [
            f"{pack.fields.place(c.field)} {c.before:f}→{c.after:f}（{_shares(c.by)}）"
            if isinstance(c.after, Decimal) or isinstance(c.before, Decimal)
            else f"{pack.fields.place(c.field)} {c.before}→{c.after}（{_shares(c.by)}）"
            for c in self.fields[:_LISTED]
        ]
        more = f"等{len(self.fields)}格" if len(self.fields) > _LISTED else ""
        effect = "；".join(shown) + more or "只有文字改动，数字不变"
        return f"汇总后{'、'.join(parts)}，影响：{effect}"


def record_json(record: Record, pack: Pack) -> Iterator[bytes]:
    """Yield a record as JSON: one line a member, so that a thousand of them can still be read."""
    head = {
        "pack": pack.id,
        "agency": record.agency,
        "year": record.year,
        "outputs": list(record.outputs),
        "within": list(record.within),
        "adjusted": {path: _plain(amount) for path, amount in record.adjusted.items()},
    }
    text = json.dumps(head, ensure_ascii=False, indent=1)
    yield f"{text[:-2]},\n".encode("utf-8", "replace")
    yield f' "fields": {json.dumps(record.fields)},\n "members": ['.encode()
    for number, (agency, (digest, known)) in enumerate(record.members.items()):
        figures = [_plain(figure) for figure in known]
        line = json.dumps([agency, digest, figures], ensure_ascii=False, separators=(",", ":"))
        yield f"{',' if number else ''}\n  {line}".encode("utf-8", "replace")
    yield b"\n ]\n}\n"


def read_record(path: Path) -> Record | None:
    """Return an earlier roll-up's record, None where there is none; raises InputError for a broken one."""
    try:
        source: Any = json.loads(path.read_bytes())
        members = {
            agency: (digest, tuple(_number(figure) for figure in figures))
            for agency, digest, figures in source["members"]
        }
        return Record(
            source["agency"],
            source["year"],
            tuple(source["fields"]),
            members,
            tuple(source["outputs"]),
            tuple(source.get("within", ())),
            {path: _number(amount) for path, amount in source.get("adjusted", {}).items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError):
        message = f"汇总记录{path.name}已损坏，无法与上次汇总比较；请恢复它，或删去后重新汇总"
        raise InputError(message, file=str(path)) from None


def _plain(figure: Number | None) -> Any:
    """Return a figure as JSON has it: an amount as a text, so that it stays exact."""
    return format(figure, "f") if isinstance(figure, Decimal) else figure


def _number(figure: Any) -> Any:
    return Decimal(figure) if isinstance(figure, str) else figure


def refuse_other(record: Record | None, agency: str, year: int | None, name: Key) -> None:
    """Raise InputError where the earlier roll-up of a place is one of another agency or year."""
    if record is None:
        return
    other = name(record.agency) != name(agency)
    if other or (record.year and year and record.year != year):
        what = f"{record.agency}{f'{record.year}年' if record.year else ''}的汇总"
        this = f"{agency}{f'{year}年' if year else ''}"
        message = f"上次写在这里的是{what}，这次是{this}的，不能混用"
        raise InputError(f"{message}；请换一个输出文件名，或检查输入")


def changes_since(
    record: Record,
    members: Sequence[Member],
    policy: Policy,
    name: Key,
    adjusted: Mapping[str, Number] | None = None,
) -> Changes:
    """Return what changed since an earlier roll-up; figures that it did not add count as 0 then.

    `adjusted` is what the adjustments add to a figure now.
    """
    return _Since(record, members, policy, name, adjusted or {}).changes()


class _Since:
    """The members of an earlier roll-up beside those of now, by their names as they are compared."""

    def __init__(
        self,
        record: Record,
        members: Sequence[Member],
        policy: Policy,
        name: Key,
        adjusted: Mapping[str, Number],
    ) -> None:
        self.adjustments = (record.adjusted, adjusted)
        self.before = {name(agency): (agency, *rest) for agency, rest in record.members.items()}
        self.now = {name(member.agency): member for member in members}
        self.members, self.policy = members, policy
        places = {path: number for number, path in enumerate(record.fields)}
        self.places = [places.get(path) for path in policy.paths]

    def changes(self) -> Changes:
        """Return what differs."""
        before, now = self.before, self.now
        changed = [key for key, m in now.items() if key in before and before[key][1] != m.digest]
        added = [key for key in now if key not in before]
        gone = [key for key in before if key not in now]
        fields = self._fields([key for key in now if key in {*changed, *added}] + gone)
        named = [tuple(map(self._named, keys)) for keys in (changed, added, gone)]
        return Changes(named[0], named[1], named[2], tuple(fields))

    def _fields(self, affected: Sequence[str]) -> Iterator[Change]:
        for number, path in enumerate(self.policy.paths):
            before, after = (amounts.get(path, 0) for amounts in self.adjustments)
            gaps = [(self._named(key), self._now(key, number) - self._then(key, number)) for key in affected]
            by = greatest_first([*gaps, (ADJUSTED, after - before)])
            if by:
                total = sum((member.figure(number) for member in self.members), start=after)
                yield Change(path, total - sum((gap for _, gap in by), start=0), total, tuple(by))

    def _named(self, key: str) -> str:
        return self.now[key].agency if key in self.now else self.before[key][0]

    def _then(self, key: str, number: int) -> Number:
        place = self.places[number]
        return (self.before[key][2][place] or 0) if key in self.before and place is not None else 0

    def _now(self, key: str, number: int) -> Number:
        return self.now[key].figure(number) if key in self.now else 0


def _shares(by: Sequence[tuple[str, Number]]) -> str:
    more = f"等{len(by)}家" if len(by) > _NAMED else ""
    return "、".join(f"{who}{signed(gap)}" for who, gap in by[:_NAMED]) + more


def _names(names: Sequence[str]) -> str:
    return "、".join(names[:_NAMED]) + ("等" if len(names) > _NAMED else "")
