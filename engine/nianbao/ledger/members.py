"""The members of a collection: the agencies of a roster, each with its deadline."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from nianbao.errors import InputError
from nianbao.fields import lookup, place_value
from nianbao.findings import Where
from nianbao.pack import Pack
from nianbao.readers.roster import RosterEntry, read_sound_entries
from nianbao.report import Report, leaves

_DATE = re.compile(r"(?:(\d{4})\s*[-./年]\s*)?(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*日?")


@dataclass(frozen=True)
class Member:
    """An agency that is to report: `due` is the last day of its report, `formers` are its other names.

    `law` is the last day that the law gives it, also for making the report public. `category` is the value of
    the pack's field, `contact` are names and numbers in one line.
    """

    name: str
    due: date
    code: str = ""
    category: str = ""
    formers: tuple[str, ...] = ()
    contact: str = ""
    email: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    where: Where = field(default_factory=Where)
    law: date = date.max


def read_members(path: Path, pack: Pack, year: int, due: date | None = None) -> tuple[Member, ...]:
    """Return the members of a roster for the reports of `year`.

    The deadline is that of the roster's row, else the pack's for the category; an earlier `due` goes before.
    Raises InputError for a roster that cannot be read or contradicts itself: doubled codes, a category that
    is none, a deadline that is later than the pack's.
    """
    entries = read_sound_entries(path, pack)
    members = tuple(_member(entry, pack, year, due, path) for entry in entries)
    if due is not None:
        _refuse_due(due, max(member.law for member in members), year)
    return members


def _refuse_due(due: date, latest: date, year: int) -> None:
    """Raise InputError for a deadline later than all of the law's, or before the year is over."""
    if due > latest:
        raise InputError(f"提前的报送期限{due.isoformat()}晚于法定的{latest.isoformat()}，只能提前")
    if due.year <= year:
        raise InputError(f"提前的报送期限{due.isoformat()}在{year}年结束之前，请核对年份")


def _member(entry: RosterEntry, pack: Pack, year: int, due: date | None, path: Path) -> Member:
    meta, data = pack.meta, entry.data
    category = str(lookup(data, meta["category"]) or "") if "category" in meta else ""
    latest = deadline(pack, category, year)
    own = latest
    if entry.due:
        try:
            own = read_date(entry.due, year + 1)
        except ValueError:
            message = f"报送期限“{entry.due}”不是日期，应如2024-01-20或1月20日"
            raise InputError(f"{path.name}：名录第{entry.where.row}行{message}", file=str(path)) from None
    if own > latest:
        message = f"报送期限{in_words(own)}晚于法定的{in_words(latest)}，只能提前"
        raise InputError(f"{path.name}：名录里{data['agency']}的{message}", file=str(path))
    if own.year <= year:
        message = f"报送期限{own.isoformat()}在{year}年结束之前，请核对年份"
        raise InputError(f"{path.name}：名录里{data['agency']}的{message}", file=str(path))
    contact = (lookup(data, field) for field in meta.get("contact", ()))
    return Member(
        name=str(data["agency"]),
        due=min(own, due) if due else own,
        code=str(lookup(data, meta["code"]) or "") if "code" in meta else "",
        category=category,
        formers=entry.formers,
        contact=" ".join(str(part) for part in contact if part),
        email=entry.email,
        data=data,
        where=entry.where,
        law=latest,
    )


def as_of(report: Report, member: Member) -> Report:
    """Return a report under the name of the roster, with what only the roster knows of its agency.

    A Word file says neither category nor code, and may bear a former name.
    """
    data = copy.deepcopy(dict(report.data))
    for path, value in leaves(member.data):
        if path == "agency" or report.value(path) is None:
            place_value(data, path, value)
    return replace(report, data=data, known=None)


def wider_than(report: Report, member: Member, pack: Pack) -> str:
    """Return what a report speaks for, in words, where the roster lists the agency alone; else nothing."""
    policy = pack.rollup
    if policy is None or (listed := lookup(member.data, policy.scope)) is None or policy.scope_of(listed):
        return ""
    kind = policy.speaks_for(report)
    return policy.scope_words(kind, report.agency) if kind is not None else ""


def deadline(pack: Pack, category: str, year: int) -> date:
    """Return the last day for the reports of `year`; one that the pack does not name has the earliest."""
    days: Mapping[str, str] = pack.meta.get("deadlines", {})
    if not days:
        return date(year + 1, 12, 31)
    month, day = days.get(category, min(days.values())).split("-")
    return date(year + 1, int(month), int(day))


def read_date(text: str, year: int) -> date:
    """Return the date of a text such as 2024-01-20, 20240120 or 1月20日 (of `year`); raises ValueError."""
    text = text.strip()
    if re.fullmatch(r"\d{8}", text):
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return date(int(found[1] or year), int(found[2]), int(found[3]))


def in_words(day: date) -> str:
    """Return a day as a deadline is spoken of: 1月31日."""
    return f"{day.month}月{day.day}日"
