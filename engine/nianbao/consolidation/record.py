"""The record of a roll-up: who contributed what, so that a later one can say what changed since."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Record:
    """What an earlier roll-up was made of; `outputs` are the files that it wrote."""

    agency: str
    year: int | None
    fields: tuple[str, ...]
    members: Mapping[str, tuple[str, tuple[Number | None, ...]]]
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A figure of the whole that differs from an earlier roll-up, and whose figures made it so."""

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
        return bool(self.changed or self.added or self.gone)

    def sentence(self, pack: Pack) -> str:
        """Return the changes as one sentence: 汇总后2家改动，影响：…"""
        parts = [
            f"{len(names)}家{word}（{_names(names)}）"
            for names, word in ((self.changed, "改动"), (self.added, "新增"), (self.gone, "减少"))
            if names
        ]
        shown = [
            f"{pack.fields.place(c.field)} {c.before:f}→{c.after:f}（{_shares(c.by)}）"
            if isinstance(c.after, Decimal) or isinstance(c.before, Decimal)
            else f"{pack.fields.place(c.field)} {c.before}→{c.after}（{_shares(c.by)}）"
            for c in self.fields[:_LISTED]
        ]
        more = f"等{len(self.fields)}格" if len(self.fields) > _LISTED else ""
        effect = "；".join(shown) + more or "只有文字改动，数字不变"
        return f"汇总后{'、'.join(parts)}，影响：{effect}"


def record_json(
    agency: str,
    year: int | None,
    policy: Policy,
    members: Iterable[Member],
    outputs: Sequence[str],
    pack: Pack,
) -> Iterable[bytes]:
    """Yield the record as JSON: one line a member, so that a thousand of them can still be read."""
    head = {"pack": pack.id, "agency": agency, "year": year, "outputs": list(outputs)}
    text = json.dumps(head, ensure_ascii=False, indent=1)
    yield f"{text[:-2]},\n".encode()
    yield f' "fields": {json.dumps(policy.paths)},\n "members": ['.encode()
    for number, member in enumerate(members):
        figures = [format(f, "f") if isinstance(f, Decimal) else f for f in member.figures]
        line = json.dumps([member.agency, member.digest, figures], ensure_ascii=False, separators=(",", ":"))
        yield f"{',' if number else ''}\n  {line}".encode("utf-8", "replace")
    yield b"\n ]\n}\n"


def read_record(path: Path) -> Record | None:
    """Return an earlier roll-up's record, None where there is none; raises InputError for a broken one."""
    try:
        source: Any = json.loads(path.read_bytes())
        members = {
            agency: (digest, tuple(Decimal(f) if isinstance(f, str) else f for f in figures))
            for agency, digest, figures in source["members"]
        }
        return Record(
            source["agency"], source["year"], tuple(source["fields"]), members, tuple(source["outputs"])
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError):
        message = f"汇总记录{path.name}已损坏，无法与上次汇总比较；请恢复它，或删去后重新汇总"
        raise InputError(message, file=str(path)) from None


def changes_since(record: Record, members: Sequence[Member], policy: Policy, name: Key) -> Changes:
    """Return what changed since an earlier roll-up; figures that it did not add count as 0 then."""
    before = {name(agency): (agency, *rest) for agency, rest in record.members.items()}
    now = {name(member.agency): member for member in members}
    changed = [m.agency for key, m in now.items() if key in before and before[key][1] != m.digest]
    added = [m.agency for key, m in now.items() if key not in before]
    gone = [agency for key, (agency, *_) in before.items() if key not in now]
    places = {path: number for number, path in enumerate(record.fields)}
    old_place = [places.get(path) for path in policy.paths]
    affected = [key for key, m in now.items() if key not in before or before[key][1] != m.digest]
    affected += [key for key in before if key not in now]
    fields = []
    for number, path in enumerate(policy.paths):
        place = old_place[number]

        def old(key: str, place: int | None = place) -> Number:
            return (before[key][2][place] or 0) if key in before and place is not None else 0

        def new(key: str, number: int = number) -> Number:
            return now[key].figure(number) if key in now else 0

        by = [(now[k].agency if k in now else before[k][0], new(k) - old(k)) for k in affected]
        by = greatest_first(by)
        if by:
            total = sum((m.figure(number) for m in members), start=0)
            fields.append(Change(path, total - sum((gap for _, gap in by), start=0), total, tuple(by)))
    return Changes(tuple(changed), tuple(added), tuple(gone), tuple(fields))


def _shares(by: Sequence[tuple[str, Number]]) -> str:
    more = f"等{len(by)}家" if len(by) > _NAMED else ""
    return "、".join(f"{who}{signed(gap)}" for who, gap in by[:_NAMED]) + more


def _names(names: Sequence[str]) -> str:
    return "、".join(names[:_NAMED]) + ("等" if len(names) > _NAMED else "")
